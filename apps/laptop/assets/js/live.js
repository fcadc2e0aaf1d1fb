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
  document.addEventListener("htmx:beforeRequest", () => {
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.replaceChildren();
  });
  document.addEventListener("htmx:sendError", () => {
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.textContent = "Seldinger does not answer. What was saved is safe; start it again in the terminal.";
  });
  fade();
})();
