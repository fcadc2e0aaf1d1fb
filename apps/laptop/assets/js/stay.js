"use strict";
// What was typed stays on the page while Seldinger does not answer, or is locked.
(() => {
  const TOKEN = "/live/token";
  const LOCKED = 401;
  const trouble = document.getElementById("trouble");
  const typed = new Set();
  const kept = (target) => target.closest && target.closest("[data-keeps]");
  const holds = () => [...typed].some((form) => form.isConnected);

  const tell = (name) => {
    trouble.textContent = trouble.dataset[name];
    trouble.scrollIntoView({ block: "center" });
  };

  // A page that was unlocked again has another session, and its forms need another token.
  const token = async () => {
    const answer = await fetch(TOKEN, { cache: "no-store" }).catch(() => null);
    if (!answer) throw new Error("away");
    if (answer.status === LOCKED) throw new Error("locked");
    const text = await answer.text();
    document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrf-token": text }));
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = text;
  };

  document.addEventListener("input", (event) => {
    const form = kept(event.target);
    if (form) typed.add(form);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) typed.delete(kept(event.target));
  });

  // A save is sent only where somebody will answer it.
  const passed = new WeakSet();
  document.addEventListener("submit", (event) => {
    const form = kept(event.target);
    if (!form || event.defaultPrevented || passed.delete(form)) return;
    event.preventDefault();
    const by = event.submitter;
    token().then(
      () => {
        passed.add(form);
        typed.delete(form);
        form.requestSubmit(by);
      },
      (why) => tell(why.message),
    );
  });

  // A part of a locked page would load the page anew.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== LOCKED || !holds()) return;
    event.preventDefault();
    tell("locked");
  });

  // Another window has locked the page.
  document.addEventListener("seldinger:locked", (event) => {
    if (!holds()) return;
    event.preventDefault();
    tell("locked");
  });
})();
