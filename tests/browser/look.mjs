// What holds for every page: basics of accessibility, focus that is seen, nothing inline, no
// sideways scrolling.

import { check, same } from "./harness.mjs";

/** Runs in the page: what is wrong with it. */
function faults() {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const brief = (node) => node.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const text = (node) => (node?.textContent ?? "").trim();
  const named = (node) => {
    const by = (node.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    if (by.some((id) => text(document.getElementById(id)))) return true;
    if ((node.getAttribute("aria-label") ?? "").trim()) return true;
    return [...(node.labels ?? [])].some(text);
  };
  if (document.documentElement.lang !== "en-US") found.push("no language");
  if (!document.title.trim()) found.push("no title");
  for (const one of ["h1", "main"]) {
    if (all(one).length !== 1) found.push(`${all(one).length} of ${one}`);
  }
  for (const field of all("input:not([type=hidden]), select, textarea")) {
    if (!named(field)) found.push(`no label: ${brief(field)}`);
    const typed = !["checkbox", "radio", "date", "datetime-local", "file"].includes(field.type);
    const off = field.autocomplete === "off" || field.form?.autocomplete === "off" || field.autocomplete === "new-password";
    if (typed && field.tagName !== "SELECT" && !off) found.push(`the browser may remember: ${brief(field)}`);
  }
  for (const act of all("a, button, summary")) {
    if (!text(act) && !named(act)) found.push(`no name: ${brief(act)}`);
  }
  for (const picture of all("svg, img")) {
    const said = named(picture) || picture.closest("[aria-hidden=true]");
    if (!said) found.push(`a picture without words: ${brief(picture)}`);
  }
  const ids = all("[id]").map((node) => node.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) found.push(`id twice: ${id}`);
  for (const described of all("[aria-describedby], label[for]")) {
    const names = (described.getAttribute("aria-describedby") ?? described.htmlFor).split(/\s+/);
    for (const id of names) if (!document.getElementById(id)) found.push(`no such id: ${id}`);
  }
  for (const inline of all("[style], style, script:not([src]), [onclick], [onchange], [oninput]")) {
    // htmx marks elements while it swaps; a style attribute is what the policy forbids.
    found.push(`inline: ${brief(inline)}`);
  }
  if (all("[tabindex]").some((node) => node.tabIndex > 0)) found.push("an order of its own for the Tab key");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (level > 0 && next > level + 1) found.push(`h${level} is followed by ${brief(heading)}`);
    level = next;
  }
  return found;
}

export async function sound(page) {
  const found = await page.evaluate(faults);
  check(found.length === 0, `${page.url()}\n  ${found.join("\n  ")}`);
}

/** Walks through the page with the Tab key: whatever has the focus shows it. */
export async function focusIsSeen(page, most = 40) {
  await page.locator("a.skip").focus();
  const seen = new Set();
  for (let at = 0; at < most; at += 1) {
    await page.keyboard.press("Tab");
    const state = await page.evaluate(() => {
      const node = document.activeElement;
      if (!node || node === document.body) return null;
      const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      const marked = [];
      for (let up = node, far = 0; up && far < 4; up = up.parentElement, far += 1) {
        const style = getComputedStyle(up);
        marked.push((far === 0 || up.matches(":focus-within")) && (ring(style) || style.boxShadow !== "none"));
      }
      const box = node.getBoundingClientRect();
      const over = [...document.querySelectorAll(".entry > .acts, .undo")].filter((bar) => !bar.contains(node));
      const covered = over.some((bar) => {
        const other = bar.getBoundingClientRect();
        return box.bottom > other.top + 1 && box.top < other.bottom && box.left < other.right;
      });
      return { name: node.outerHTML.slice(0, 120), shown: marked.some(Boolean), covered };
    });
    if (state === null) break;
    seen.add(state.name);
    check(state.shown, `the focus is not seen on ${state.name}`);
    check(!state.covered, `something covers ${state.name}`);
  }
  check(seen.size > 5, `only ${seen.size} places take the focus`);
}

/** Nothing makes the page scroll sideways. */
export async function fits(page, what) {
  const wide = await page.evaluate(() => {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const over = [...document.querySelectorAll("main *")].filter(
      (node) => node.getBoundingClientRect().right > root.clientWidth + 1 && !node.closest(".sr"),
    );
    return [`${root.scrollWidth} > ${root.clientWidth}`, ...over.slice(0, 5).map((node) => node.outerHTML.slice(0, 100))];
  });
  check(wide.length === 0, `${what} scrolls sideways: ${wide.join("\n  ")}`);
}

/** Does `work` while the user's own setting of the browser asks for text of this size. */
export async function withText(page, pixels, work) {
  const session = await page.context().newCDPSession(page);
  const root = () => page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize));
  await session.send("Page.setFontSizes", { fontSizes: { standard: pixels, fixed: pixels } });
  await page.reload();
  same(await root(), pixels, "the size of text");
  await work();
  await session.detach();
  await page.reload();
}
