"use strict";
// The seconds that a pairing code is good for. The server knows when it ends; this only counts down.
(() => {
  const begin = () => {
    const clock = document.querySelector("[data-left]");
    if (!clock || clock.dataset.counts) return;
    clock.dataset.counts = "yes";
    const end = performance.now() + Number(clock.dataset.left) * 1000;
    const show = () => {
      if (!clock.isConnected) return;
      clock.textContent = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      setTimeout(show, 1000);
    };
    show();
  };
  document.addEventListener("htmx:load", begin);
  begin();
})();
