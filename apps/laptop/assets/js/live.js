"use strict";
// What parts of the page do after the server has answered.
(() => {
  const UNDO_MS = 8000;
  let fading = 0;

  // The undo bar goes after eight seconds, but never from under a pointer or the focus.
  const fade = () => {
    clearTimeout(fading);
    fading = setTimeout(() => {
      const bar = document.querySelector("[data-fades]");
      if (!bar) return;
      if (bar.matches(":hover, :focus-within")) return fade();
      bar.remove();
    }, UNDO_MS);
  };

  document.addEventListener("htmx:load", fade);
  // Parts that ask by themselves whether anything is new say nothing of what the user does. They wait
  // while something in them is opened to be filled in, and what they heard before the user did something
  // is late by then.
  let acts = 0;
  const asked = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-live]")) {
      if (event.target.querySelector("details[open]")) event.preventDefault();
      asked.set(event.detail.xhr, acts);
      return;
    }
    acts += 1;
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.replaceChildren();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (asked.has(xhr) && asked.get(xhr) !== acts) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:sendError", () => {
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.textContent = trouble.dataset.away;
  });
  fade();

  // What was typed in the last moment before the page goes is sent after it.
  const unsent = new Set();
  const kept = (event) => event.target.closest && event.target.closest("[data-keeps]");
  document.addEventListener("input", (event) => {
    const form = kept(event);
    if (form) unsent.add(form);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) unsent.delete(kept(event));
  });
  addEventListener("pagehide", () => {
    for (const form of unsent) {
      if (form.isConnected) navigator.sendBeacon(form.dataset.keeps, new URLSearchParams(new FormData(form)));
    }
  });
})();
