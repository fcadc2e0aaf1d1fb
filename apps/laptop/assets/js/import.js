"use strict";
// Sends the chosen file as it is: the server holds it in memory, so no copy of it is left on the disk.
(() => {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-import]");
    if (!form) return;
    event.preventDefault();
    const place = document.getElementById("imported");
    const button = form.querySelector("button");
    const chosen = ["skip_bad", "update", "restore"].filter((name) => form.elements[name]?.checked);
    const asked = new URLSearchParams(chosen.map((name) => [name, "true"]));
    const headers = { "x-csrf-token": form.elements.csrf.value, "hx-request": "true" };
    const code = form.elements.code?.value;
    // A header has no room for other letters; a code has none.
    if (code) headers["x-code"] = code.replace(/[^ -~]/g, " ");
    place.textContent = "Reading…";
    button.disabled = true;
    try {
      const answer = await fetch(`${form.action}?${asked}`, {
        method: "POST",
        headers,
        body: form.elements.file.files[0],
      });
      place.innerHTML = await answer.text();
    } catch {
      place.textContent = document.getElementById("trouble").dataset.away;
    } finally {
      button.disabled = false;
    }
  });
})();
