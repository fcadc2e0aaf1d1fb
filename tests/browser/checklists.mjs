// Checklists by keyboard: begun, ticked, skipped, stamped, taken back; a run survives the end of the
// program, and goes on to a case. PHASE "tick" ends in the middle of a run, "again" goes on.

import { check, run, same, until } from "./harness.mjs";
import { fits, focusIsSeen, sound, withText } from "./look.mjs";

const LAPTOP = { width: 1280, height: 800 };
const NARROW = { width: 640, height: 800 };

async function looks(browser, page, name) {
  await sound(page);
  await fits(page, `${name} at 1280`);
  await browser.shot(page, `${name}-light`);
  await page.emulateMedia({ colorScheme: "dark" });
  await browser.shot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(NARROW);
  await fits(page, `${name} at 640`);
  await browser.shot(page, `${name}-narrow`);
  await page.setViewportSize(LAPTOP);
}

/** What holds for a run wherever it is looked at. */
function parts(page) {
  const told = page.locator(".told-of");
  return {
    item: (name) => page.getByRole("checkbox", { name, exact: true }),
    key: (name) => page.getByRole("button", { name, exact: true }),
    counted: (text) => told.filter({ hasText: text }).waitFor(),
    now: page.getByRole("region", { name: "This stage" }),
    band: page.locator(".questions"),
  };
}

/** Presses a key in the moment in which the page draws it: hands are quicker than scripts. */
function pressedAtOnce(page, name) {
  return page.evaluate((name) => {
    const drawn = new MutationObserver(() => {
      const next = document.getElementById("next");
      if (next?.textContent !== name) return;
      drawn.disconnect();
      next.click();
    });
    drawn.observe(document.body, { childList: true, subtree: true });
  }, name);
}

async function ticked(step, browser, page) {
  const { item, key, counted, now, band } = parts(page);
  await step("a run is begun for a procedure", async () => {
    await page.getByRole("link", { name: "Checklists" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Checklists" }).waitFor();
    await looks(browser, page, "checklists");
    await focusIsSeen(page);
    await page.getByRole("combobox", { name: "Procedure" }).fill("Nephrostomy placement");
    await page.getByRole("button", { name: "Begin: During the case" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Nephrostomy placement" }).waitFor();
    await page.getByText("Begun: During the case").first().waitFor();
  });
  await step("rows are ticked with the space bar, and the focus stays", async () => {
    for (const name of ["Lead and badge on", "Watch monitors and patient", "Behind the shield"]) {
      await item(name).focus();
      await page.keyboard.press("Space");
      await item(name).and(page.locator("[aria-checked=true]")).waitFor();
      const focused = () => item(name).evaluate((node) => node === document.activeElement);
      await until(focused, "the focus on the row after the answer");
    }
    await counted("3 of 8");
    await item("Behind the shield").press("Space");
    await page.locator("#undo").getByText("Tick taken back: Behind the shield").waitFor();
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await counted("3 of 8");
  });
  await step("an item is skipped with a reason", async () => {
    await page.getByLabel("Skip: Think ahead: prep, labs, sedation").press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.type("No time");
    await browser.shot(page, "checklist-skip-light", false);
    await page.keyboard.press("Enter");
    await page.getByText("Skipped: No time").waitFor();
    await counted("3 of 8, 1 skipped");
  });
  await step("what is ticked on another device is shown, and taken back there", async () => {
    const other = await page.context().newPage();
    await other.goto(page.url());
    const there = parts(other);
    await there.item("Not leaning over the table").press("Space");
    await counted("4 of 8");
    await there.item("Not leaning over the table").press("Space");
    await there.counted("3 of 8");
    await counted("3 of 8");
    await other.close();
  });
  await step("stages follow each other, and silence is told where it is due", async () => {
    await pressedAtOnce(page, "Timeout starts");
    await key("Consent starts").press("Enter");
    await band.getByText("Silence is due").waitFor();
    await page.locator("#said").getByText("Silence is due").waitFor({ state: "attached" });
    await looks(browser, page, "checklist-silence");
    await key("Access starts").press("Enter");
    await key("Navigation starts").press("Enter");
    await band.getByText("Wait for a pause").waitFor();
    await key("It is tense").press("Enter");
    await band.getByText("Silence is due").waitFor();
    await key("Calm again").press("Enter");
    await band.getByText("Wait for a pause").waitFor();
    await looks(browser, page, "checklist");
    await focusIsSeen(page);
    await withText(page, 32, () => fits(page, "a run with text at 200 %"));
  });
}

async function again(step, browser, page) {
  const { item, key, counted, now } = parts(page);
  await step("the run is where it was, first in the list", async () => {
    await page.getByRole("link", { name: "Checklists" }).press("Enter");
    await page.getByRole("link", { name: "During the case: Nephrostomy placement" }).first().press("Enter");
    await counted("3 of 8, 1 skipped");
    await now.getByRole("heading", { name: "Navigation" }).waitFor();
  });
  await step("a time is corrected, and what is no time is kept", async () => {
    await page.getByText("Change the times").press("Enter");
    await page.getByLabel("Consent").fill("00:01");
    await page.getByLabel("Hemostasis").fill("soon");
    await page.keyboard.press("Enter");
    await page.locator("#undo").getByText("The times are kept.").waitFor();
    await page.locator(".stages time").getByText("00:01").waitFor();
    await page.locator(".stages time").getByText("soon").waitFor();
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await now.getByRole("heading", { name: "Navigation" }).waitFor();
  });
  await step("a note is written, the run is finished and goes on", async () => {
    await page.getByRole("link", { name: "Note, edit" }).press("Enter");
    await page.getByLabel("Note").fill("Stood on the left, saw everything.");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText("Stood on the left, saw everything.").waitFor();
    await key("Finish").press("Enter");
    await page.locator(".told-of", { hasText: "Finished" }).waitFor();
    same(await page.locator(".questions").count(), 0, "words on talking in a run that is over");
    await item("Not leaning over the table").press("Space");
    await counted("4 of 8, 1 skipped");
    await looks(browser, page, "checklist-over");
  });
}

async function ofCase(step, browser, page) {
  const { key, now } = parts(page);
  await step("a run of the sample is linked to its case", async () => {
    await page.getByRole("link", { name: "Checklists" }).first().press("Enter");
    await page.getByRole("link", { name: "During the case: Nephrostomy placement" }).last().press("Enter");
    await page.getByText("typed after from memory").waitFor();
    const select = page.getByLabel("This run was for");
    await select.selectOption({ index: 1 });
    await page.locator(".link-to").getByRole("button", { name: "Keep" }).press("Enter");
    await page.getByText("Kept which case it was for.").first().waitFor();
    await page.locator(".crumb").getByRole("link").last().press("Enter");
    await page.getByRole("list", { name: "Stages" }).getByText("13:18").waitFor();
    await looks(browser, page, "case-stages");
  });
  await step("the case is printed with its stages and without keys", async () => {
    await page.emulateMedia({ media: "print" });
    same(await page.locator(".stages").isVisible(), true, "stages on paper");
    for (const gone of ["button", "form", "summary", ".acts"]) {
      same(await page.locator(gone).filter({ visible: true }).count(), 0, `${gone} on paper`);
    }
    await page.emulateMedia({ media: "screen" });
  });
  await step("times are typed on the case, and a checklist is begun there", async () => {
    await page.getByText("Change the times").press("Enter");
    await page.getByLabel("Access").fill("12:50");
    await page.keyboard.press("Enter");
    await page.getByRole("list", { name: "Stages" }).getByText("12:50").waitFor();
    await key("After the case").press("Enter");
    await page.getByRole("checkbox", { name: "Asked for the decisions that mattered" }).press("Enter");
    await page.locator(".told-of", { hasText: "1 of 4" }).waitFor();
    same(await now.count(), 0, "stages after the case");
    await looks(browser, page, "checklist-after");
    await page.emulateMedia({ media: "print" });
    check(await page.getByText("Asked for the decisions that mattered").isVisible(), "rows on paper");
    same(await page.locator("form").filter({ visible: true }).count(), 0, "forms on paper");
    await browser.shot(page, "checklist-print");
    await page.emulateMedia({ media: "screen" });
  });
}

await run(`checklists-${process.env.PHASE}`, async (step, browser) => {
  const page = await browser.enter();
  if (process.env.PHASE === "tick") return ticked(step, browser, page);
  await again(step, browser, page);
  await ofCase(step, browser, page);
});
