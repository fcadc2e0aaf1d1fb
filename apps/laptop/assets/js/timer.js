"use strict";
// The minutes of a debrief. The server knows when they began; this only counts on.
(() => {
  const TWO_MINUTES_S = 120;
  const clock = document.querySelector("[data-elapsed]");
  if (!clock) return;
  const begun = performance.now() - Number(clock.dataset.elapsed) * 1000;
  const words = clock.nextElementSibling;
  const two = (number) => String(number).padStart(2, "0");

  const show = () => {
    const left = Math.max(0, TWO_MINUTES_S - Math.floor((performance.now() - begun) / 1000));
    if (left === 0) {
      clock.textContent = "2:00";
      words.textContent = "are over; take what you need";
      return;
    }
    clock.textContent = `${Math.floor(left / 60)}:${two(left % 60)}`;
    setTimeout(show, 1000);
  };
  show();
})();
