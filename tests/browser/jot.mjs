// Jot, undo, find, filter: by keyboard.

import { check, run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";

const WORD = "xylophone";
const LINE = `mwa seg 5 hcc us, antenna 14g, drain upsized to 12, Okafor, assisted, ${WORD} in the corridor`;

await run("jot", async (step, browser) => {
  const page = await browser.enter();
  const at = places(page);
  await typing(step, browser, page, at);
  await saving(step, page, at);
  await finding(step, browser, page, at);
});

/** What the scripts look at on the page of cases. */
function places(page) {
  const line = page.getByRole("textbox", { name: "Jot a case in one line" });
  const rows = page.getByRole("table", { name: "Cases" }).locator("tbody tr:not(.more)");
  const count = page.locator("#count");
  const counted = (text) => until(async () => (await count.innerText()) === text, `"${text}"`);
  return { line, rows, count, counted };
}

async function typing(step, browser, page, { line }) {
  await step("J leads to the jot box", async () => {
    await page.keyboard.press("j");
    check(await line.evaluate((node) => node === document.activeElement), "the jot box has no focus");
    same(await line.inputValue(), "", "the key itself is not typed");
  });

  await step("chips appear while it is typed", async () => {
    await page.keyboard.type(LINE);
    const chips = page.getByRole("group", { name: "Read as" });
    for (const read of ["Microwave ablation", "Assisted", "Okafor"]) await chips.getByText(read, { exact: true }).waitFor();
    await page.getByText(`As note:`).filter({ hasText: WORD }).waitFor();
    same(await page.getByRole("checkbox", { name: /A guess/ }).count(), 2, "guesses");
    await sound(page);
    await browser.shot(page, "jot-light");
  });

  await step("a guess is taken by the space bar and keeps the focus", async () => {
    const guess = page.getByRole("checkbox", { name: /14/ });
    await guess.focus();
    await page.keyboard.press("Space");
    await page.locator(".chip.sure").filter({ hasText: "14" }).waitFor();
    const focused = () => guess.evaluate((node) => node === document.activeElement);
    await until(focused, "the focus on the guess after the answer");
  });
}

async function saving(step, page, { line, rows, counted }) {
  await step("Enter saves", async () => {
    await line.focus();
    await page.keyboard.press("Enter");
    await counted("47 cases");
    await page.getByRole("status").filter({ hasText: "Kept" }).first().waitFor();
    check((await rows.first().innerText()).includes("Microwave ablation"), "the new case is not the first row");
    await until(async () => (await line.inputValue()) === "", "an empty jot box");
    await until(() => line.evaluate((node) => node === document.activeElement), "the focus in the jot box");
  });

  await step("undo takes it back", async () => {
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await counted("46 cases");
  });

  await step("a case of last night keeps its time", async () => {
    await line.fill(LINE);
    await page.getByRole("checkbox", { name: /14/ }).press("Space");
    await page.locator(".chip.sure").filter({ hasText: "14" }).waitFor();
    await page.getByText("Another time").press("Enter");
    await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith("/jot/read")),
      page.getByLabel("When it took place").fill("2026-10-21T02:10"),
    ]);
    await page.locator(".chip.sure").filter({ hasText: "14" }).waitFor();
    await line.press("Enter");
    await counted("47 cases");
  });
}

async function finding(step, browser, page, { rows, count, counted }) {
  await step("/ finds while typing and marks the words", async () => {
    await page.getByRole("heading", { level: 1 }).click();
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("/");
    await page.keyboard.type(WORD.slice(0, 6));
    await counted("1 case");
    const marked = rows.first().locator("mark");
    await marked.first().waitFor();
    same((await marked.first().innerText()).toLowerCase(), WORD, "what is marked");
    same(new URL(page.url()).search, "", "the address");
    check((await rows.first().innerText()).includes("Wed"), "the night's day is not shown");
    await browser.shot(page, "find-light");
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    await counted("47 cases");
  });

  await step("filters narrow the list together", async () => {
    await page.getByRole("combobox", { name: "Role" }).selectOption({ label: "Performed, supervised" });
    await counted("5 cases");
    await page.getByRole("combobox", { name: "Attending" }).selectOption("Okafor");
    await until(async () => (await count.innerText()) !== "5 cases", "the second filter");
    check((await rows.count()) < 5, "the second filter narrows nothing");
    for (const row of await rows.all()) {
      const text = await row.innerText();
      check(text.includes("Okafor") && text.includes("Performed, supervised"), text);
    }
    await page.getByRole("combobox", { name: "Attending" }).selectOption("");
    await page.getByRole("combobox", { name: "Role" }).selectOption("");
    await counted("47 cases");
  });

  await step("the case opens with what was read and what was taken", async () => {
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("/");
    // At once: a swap for half the word must not take away the row that is being opened.
    await page.keyboard.insertText(WORD);
    await counted("1 case");
    const link = rows.first().getByRole("link");
    await link.focus();
    // Leaving the search box asks for nothing: an answer would take away the row that has the focus.
    same(await page.locator(".htmx-request").count(), 0, "requests for leaving the search box");
    check(await link.evaluate((node) => node === document.activeElement), "the row lost the focus");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: /ablation/i }).waitFor();
    const shown = await page.getByRole("main").innerText();
    for (const part of ["Assisted", "Okafor", "14", WORD, "02:10"]) check(shown.includes(part), `no ${part} in ${shown}`);
    check(!/\b12\s*Fr\b/.test(shown), "a guess that nobody took is written");
    await sound(page);
  });
}
