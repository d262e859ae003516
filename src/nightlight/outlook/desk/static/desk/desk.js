// SPDX-License-Identifier: Apache-2.0
// Comfort only: every page works without this file. Keys in the inbox and the queue, files dropped on the import form,
// parts that stay unfolded when what they stand in is loaded anew, and folded parts, but for proofs, unfolded for printing.
"use strict";

(() => {
  const rows = () => [...document.querySelectorAll("#tips > li")];
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

  function move(by) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    all[next].querySelector("a").focus();
    all[next].scrollIntoView({ block: "nearest" });
  }

  function take() {
    const row = rows().find((one) => one.contains(document.activeElement));
    const button = row && row.querySelector("button[data-key=a]");
    if (button) button.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const keys = document.getElementById("keys");
    if (!document.getElementById("tips") || (keys && keys.open)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "a" && document.querySelector("#tips.queue")) take();
    else if (event.key === "?" && keys) keys.showModal();
    else if (event.key === "/") document.getElementById("q").focus();
    else return;
    event.preventDefault();
  });

  const drop = document.querySelector("form.drop");
  if (drop) {
    const input = drop.querySelector("input[type=file]");
    for (const name of ["dragover", "dragenter"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.add("is-over");
      });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      if (event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        drop.requestSubmit();
      }
    });
    drop.addEventListener("submit", () => {
      const button = drop.querySelector("button");
      button.setAttribute("aria-busy", "true");
      button.disabled = true;
    });
  }

  // data-keep names what a part is about: it is open again if a part about any of that was open before.
  const keeping = (root) => [...root.querySelectorAll("details[data-keep]")];
  const about = (part) => part.dataset.keep.split(" ");
  let open = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    open = new Set(keeping(event.detail.target).filter((part) => part.open).flatMap(about));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const part of keeping(event.target)) part.open ||= about(part).some((one) => open.has(one));
  });

  const unfolded = [];
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("main details:not([open])")) {
      if (part.closest(".events, .views")) continue;
      part.open = true;
      unfolded.push(part);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const part of unfolded.splice(0)) part.open = false;
  });
})();
