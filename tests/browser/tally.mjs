// The tally: charts with their words and tables, filters.

import { run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";

await run("tally", async (step, browser) => {
  const page = await browser.enter();
  const heading = () => page.getByRole("heading", { level: 1 }).innerText();

  await step("the rotation is counted", async () => {
    await page.getByRole("link", { name: "Tally" }).click();
    same(await heading(), "46 cases", "the heading");
    await page.getByText("5 to 30 October 2026. 37 procedures, six of them more than once.").waitFor();
    await sound(page);
  });

  await step("every chart is an image with its figures in words", async () => {
    const weeks = page.getByRole("img", { name: /^Cases by week and role: week 1, 12 \(1 assisted, 2 scrubbed, 9 observed\); week 2, 12 / });
    same(await weeks.count(), 1, "charts of weeks");
    const dose = page.getByRole("img", { name: /^Air kerma of 29 cases, mGy\. Highest: Embolization, GI bleed 1,340; TIPS 1,190;/ });
    same(await dose.count(), 1, "charts of air kerma that are shown");
    same(await page.getByRole("img", { name: "4: observed, did part, performed supervised, performed supervised" }).count(), 1, "strokes of paracentesis");
  });

  await step("a table is one key away and adds up", async () => {
    await page.getByText("Weeks as a table").focus();
    await page.keyboard.press("Enter");
    const table = page.getByRole("table", { name: "Cases by week and role" });
    await table.waitFor();
    const last = await table.locator("tbody td:last-child").allInnerTexts();
    same(last.map(Number).reduce((a, b) => a + b), 46, "the weeks together");
    await page.keyboard.press("Enter");
  });

  await step("filters narrow all of it and stay out of the address", async () => {
    await page.getByRole("combobox", { name: "Role" }).selectOption({ label: "Observed" });
    await until(async () => (await heading()) === "21 cases", "the filter by role");
    await page.getByLabel("From").fill("2026-10-12");
    await until(async () => (await heading()) !== "21 cases", "the filter by day");
    same(await heading(), "12 cases", "observed from the second week on");
    same(new URL(page.url()).search, "", "the address");
    await page.getByRole("combobox", { name: "Role" }).selectOption({ label: "Role not written" });
    await until(async () => (await heading()) === "1 case", "the filter of what is not written");
    await sound(page);
    await page.reload();
    same(await heading(), "46 cases", "the heading after a reload");
  });
});
