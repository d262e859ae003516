// SPDX-License-Identifier: Apache-2.0
// Pictures appear only while somebody presses: a press shows the still, a hold enlarges it, letting go removes it.
// Without this file the same buttons lead to a page that shows one picture for ten seconds.
"use strict";

(() => {
  const panel = document.getElementById("pictures");
  if (!panel) return;
  const said = document.getElementById("said");
  const stage = document.getElementById("stage");
  const holds = panel.querySelectorAll("button[data-hold]");
  let open = null; // what is held just now
  let armed = null; // the button that waits for its second press

  function show(form, into, confirmed) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    const look = { form, image, into, began: 0 };
    image.addEventListener("load", () => {
      look.began = performance.now();
      for (const button of holds) button.disabled = false;
      if (look.gone) return hide(look);
      into.replaceChildren(image);
    });
    image.addEventListener("error", () => {
      if (!look.gone) said.textContent = panel.dataset.failed;
    });
    // A query of its own each time: nothing is ever taken from a cache.
    image.src = `${form.dataset.src}${confirmed ? "&confirmed=yes" : ""}&look=${Date.now()}`;
    said.textContent = "";
    return look;
  }

  function hide(look) {
    if (!look || (look.gone && !look.began)) return;
    look.gone = true;
    look.into.replaceChildren();
    look.image.removeAttribute("src");
    if (!look.began || look.told) return;
    look.told = true;
    const body = new FormData(look.form);
    body.set("milliseconds", String(Math.round(performance.now() - look.began)));
    navigator.sendBeacon(panel.dataset.held, body);
  }

  function letGo() {
    const look = open;
    open = null;
    if (!look) return;
    look.button.classList.remove("is-held");
    if (look.began) hide(look);
    else look.gone = true; // still loading: hidden, and told, as soon as it is there
  }

  function hold(button) {
    if (open) return;
    const form = button.form;
    if (panel.dataset.violent === "yes" && armed !== button) {
      armed = button;
      said.textContent = panel.dataset.again;
      return;
    }
    armed = null;
    open = show(form, stage, panel.dataset.violent === "yes");
    open.button = button;
    button.classList.add("is-held");
  }

  for (const button of holds) {
    button.textContent = button.dataset.hold;
    button.type = "button";
    button.disabled = panel.dataset.seen !== "yes"; // the small grey picture comes first
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      button.focus();
      button.setPointerCapture(event.pointerId);
      hold(button);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, letGo);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) hold(button);
    });
    button.addEventListener("keyup", letGo);
  }

  const stills = new Map();
  for (const form of panel.querySelectorAll("form[data-mode=still]")) {
    const button = form.querySelector("button");
    const words = button.textContent;
    const remove = () => {
      hide(stills.get(form).look);
      stills.delete(form);
      button.textContent = words;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (stills.has(form)) return remove();
      stills.set(form, { look: show(form, form.closest(".still").querySelector(".frame"), false), remove });
      button.textContent = panel.dataset.hide;
    });
  }

  window.addEventListener("pagehide", () => {
    letGo();
    for (const still of [...stills.values()]) still.remove();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) letGo();
  });
})();
