"use strict";
// Keys of the whole page: J writes, / finds.
(() => {
  // Nothing has this id: going to something that has would take the focus away again.
  const WRITE = "#write";
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  const go = (place, otherwise) => {
    const found = document.querySelector(place);
    if (found) {
      found.focus();
      if (found.select) found.select();
    } else {
      location.assign(otherwise);
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j" || event.key === "J") {
      event.preventDefault();
      go("[data-jot]", `/${WRITE}`);
    } else if (event.key === "/") {
      event.preventDefault();
      go("[data-find]", "/find");
    }
  });

  if (location.hash === WRITE) go("[data-jot]", "/");
})();
