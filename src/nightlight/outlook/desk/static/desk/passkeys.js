// SPDX-License-Identifier: Apache-2.0
// Passkeys: joins the buttons of our pages to the sign-in library's functions, and says in words what went wrong.
"use strict";

(() => {
  const forms = window.allauth && window.allauth.webauthn && window.allauth.webauthn.forms;
  const buttons = document.querySelectorAll("[data-passkey]");
  if (!forms || !buttons.length || !window.PublicKeyCredential) return;

  document.addEventListener("allauth.error", (event) => {
    const error = document.getElementById("passkey-error");
    if (!error) return;
    event.preventDefault();
    const name = event.detail.exception && event.detail.exception.name;
    error.textContent = error.getAttribute(`data-${name}`) || error.dataset.unknown;
    error.hidden = false;
    error.scrollIntoView({ block: "nearest" });
  });

  for (const button of buttons) {
    const { passkey, credential, passwordless } = button.dataset;
    const ids = { [passkey]: button.id, credential };
    if (passkey !== "login") ids.data = "js_data";
    if (passwordless) ids.passwordless = passwordless;
    forms[`${passkey}Form`]({ ids });
    for (const part of document.querySelectorAll("[data-with-passkeys]")) part.hidden = false;
  }
})();
