// A case that was edited here and on a phone before the two met: both values are kept, one is chosen.

import { check, run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";
import { program } from "./program.mjs";

const env = process.env;

await run("twice", async (step, browser) => {
  const page = await browser.enter();
  const also = page.locator(".also");
  const at = (path) => new URL(path, page.url()).href;
  const act = (name) => page.getByRole("main").getByRole("button", { name }).press("Enter");

  await step("the case is edited here", async () => {
    await page.goto(at(`/cases/${env.CASE}/edit`));
    await page.getByRole("textbox", { name: "Fluoro" }).fill("17.9");
    await page.getByLabel("Lesson").fill("Look at the tract before the wire.");
    await page.getByLabel("Devices").fill("10 Fr drain\n0.035 stiff wire");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText("17.9").first().waitFor();
    check((await also.count()) === 0, "nobody else has written yet");
  });

  await step("once the phone's file is taken in, both values stand there", async () => {
    const taken = program(env.FOLDER, ["bundle", "import", env.BUNDLE, "--code", env.CODE]);
    same(await taken.ended, 0, taken.said());
    await page.reload();
    await until(async () => (await also.count()) === 3, "three fields were written twice");
    const told = await page.getByRole("main").innerText();
    for (const part of ["19.7", "17.9", "Ask for the old", "Look at the tract"]) check(told.includes(part), part);
    check(told.includes("Also written here") || told.includes("Also written on “Phone”"), told);
    await sound(page);
    await browser.shot(page, "twice-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await browser.shot(page, "twice-dark");
    await page.emulateMedia({ colorScheme: "light" });
  });

  await step("the devices page leads to it", async () => {
    await page.goto(at("/devices"));
    await page.getByRole("heading", { name: "Written twice" }).waitFor();
    await sound(page);
    await browser.shot(page, "devices-twice");
    await page.locator(`a[href="/cases/${env.CASE}"]`).press("Enter");
    await also.first().waitFor();
  });

  await step("texts and lists can be kept both, a number is chosen, and undo opens the choice again", async () => {
    await act("Keep both, Lesson");
    await until(async () => (await also.count()) === 2, "the lesson is settled");
    await act("Keep both, Devices");
    await until(async () => (await also.count()) === 1, "and the devices");
    check((await also.innerText()).includes("19.7 min"), "it is the number that is left");
    await act(/^Use /);
    await until(async () => (await also.count()) === 0, "and the number");
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await also.waitFor();
    check((await also.innerText()).includes("19.7 min"), "it is asked again");
    await act(/^Keep /);
    await until(async () => (await also.count()) === 0, "the last one");
    await page.goto(at("/devices"));
    check((await page.getByRole("heading", { name: "Written twice" }).count()) === 0, "nothing is left to choose");
  });
});
