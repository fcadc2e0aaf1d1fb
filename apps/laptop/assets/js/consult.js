"use strict";
// Consults: copying what is to be said, and saying it part by part. Without this the text can be selected,
// and the page of large text read from top to bottom.
(() => {
  const copy = document.querySelector("[data-copy]");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const said = document.querySelector("[data-said]");
      const told = document.querySelector("[data-copied]");
      const text = [...said.querySelectorAll("p")].map((part) => part.textContent.trim()).join("\n");
      try {
        await navigator.clipboard.writeText(text);
        told.textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(said);
        told.textContent = "Selected: copy it with the keyboard.";
      }
    });
  }

  const place = document.querySelector("[data-say]");
  if (!place) return;
  const parts = [...place.querySelectorAll("[data-part]")];
  const marks = [...document.querySelectorAll(".steps > li")];
  const keys = document.querySelector("[data-keys]");
  const [previous, next] = ["[data-previous]", "[data-next]"].map((name) => keys.querySelector(name));
  const leave = document.querySelector("[data-leave]");
  let at = 0;

  const show = () => {
    parts.forEach((part, index) => {
      part.classList.toggle("now", index === at);
      if (index === at) part.setAttribute("aria-current", "step");
      else part.removeAttribute("aria-current");
    });
    marks.forEach((mark, index) => mark.classList.toggle("done", index <= at));
    previous.disabled = at === 0;
    next.textContent = at + 1 < parts.length ? `Next: ${parts[at + 1].dataset.part}` : "Done";
    parts[at].scrollIntoView({ block: "center" });
  };
  const go = (step) => {
    if (at + step >= parts.length) return location.assign(leave.href);
    at = Math.max(0, at + step);
    show();
  };

  if (parts.length === 0) return;
  place.classList.add("stepped");
  keys.hidden = false;
  previous.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.closest("button, a");
    if (event.key === "Escape") location.assign(leave.href);
    else if (["ArrowRight", "ArrowDown", "PageDown"].includes(event.key)) go(1);
    else if (["ArrowLeft", "ArrowUp", "PageUp"].includes(event.key)) go(-1);
    else if (event.key === " " && !onButton) go(1);
    else return;
    event.preventDefault();
  });
  // The screen stays awake while somebody presents, where the browser can do that.
  navigator.wakeLock?.request("screen").catch(() => {});
  show();
})();
