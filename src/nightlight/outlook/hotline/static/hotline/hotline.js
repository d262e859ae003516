// SPDX-License-Identifier: Apache-2.0
// Everything works without this. It leaves the page without a trace on the way back, copies and prints.
"use strict";

(() => {
  const leave = document.getElementById("leave");
  let escaped = 0;

  function go(event) {
    if (event) event.preventDefault();
    for (const form of document.forms) {
      for (const field of form.elements) {
        if (field.type === "radio" || field.type === "checkbox") field.checked = false;
        else if (field.type !== "submit") field.value = "";
      }
    }
    document.body.hidden = true;
    document.title = "";
    location.replace(leave.href); // takes the place of this page: going back does not lead here
  }

  leave.addEventListener("click", go);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const now = Date.now();
    if (now - escaped < 1500) go(event);
    escaped = now;
  });

  const keys = document.getElementById("keys");
  if (keys && matchMedia("(hover: hover) and (pointer: fine)").matches) keys.hidden = false; // where there is such a key

  const copy = document.getElementById("copy");
  const code = document.getElementById("code");
  if (copy && code && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = copy.dataset.done;
    });
  }
  const print = document.getElementById("print");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
