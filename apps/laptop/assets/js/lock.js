"use strict";
// A lock takes every window along, and going back shows no page that was locked meanwhile.
(() => {
  const channel = new BroadcastChannel("seldinger");

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-locks]");
    if (!form) return;
    event.preventDefault();
    const show = () => location.assign("/");
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).then(() => {
      channel.postMessage("locked");
      show();
    }, show);
  });

  channel.addEventListener("message", () => {
    const heard = new Event("seldinger:locked", { cancelable: true });
    if (document.dispatchEvent(heard)) location.reload();
  });

  // Going back shows no page that was locked meanwhile.
  addEventListener("pagehide", (event) => {
    if (event.persisted) document.body.hidden = true;
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
