// A case that was edited here and on a phone before the two met: both values are kept, one is chosen.

import { readFileSync } from "node:fs";
import { check, run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";

const env = process.env;

await run("twice", async (step, browser) => {
  const page = await browser.enter();
  const on = { step, browser, page, also: page.locator(".also") };
  await edited(on);
  await carried(on);
  await shown(on);
  await chosen(on);
});

function at(page, path) {
  return new URL(path, page.url()).href;
}

async function act(page, name) {
  await page.getByRole("main").getByRole("button", { name }).press("Enter");
}

async function edited({ step, page, also }) {
  await step("the case is edited here", async () => {
    await page.goto(at(page, `/cases/${env.CASE}/edit`));
    await page.getByRole("textbox", { name: "Fluoro" }).fill("17.9");
    await page.getByLabel("Lesson").fill("Look at the tract before the wire.");
    await page.getByLabel("Devices").fill("10 Fr drain\n0.035 stiff wire");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText("17.9").first().waitFor();
    check((await also.count()) === 0, "nobody else has written yet");
  });
}

async function carried({ step, browser, page }) {
  const bundle = async (name) => {
    const loading = page.waitForEvent("download");
    await act(page, name);
    const file = readFileSync(await (await loading).path());
    same(file.subarray(0, 8).toString("latin1"), "SELDBNDL", "a bundle");
  };

  await step("the phone's file is taken in by its code, and answered", async () => {
    await page.goto(at(page, "/devices"));
    const code = page.getByLabel("Code, if one came with it");
    await page.locator('input[type="file"]').setInputFiles(env.BUNDLE);
    await code.fill("ABCD-EFGH");
    await act(page, "Take it in");
    await page.locator("#imported .told").waitFor();
    check((await page.locator("#imported").innerText()).includes("code"), "a wrong code is told");
    check(browser.told().some((line) => line.includes("400 for /devices/bundle")), "and refused");
    await code.fill(env.CODE);
    await act(page, "Take it in");
    await page.getByText("Taken in from “Phone”").waitFor();
    await sound(page);
    await browser.shot(page, "devices-taken");
    await bundle("Make the answer");
  });

  await step("once they are paired it needs no code", async () => {
    await page.goto(at(page, "/devices"));
    await page.getByRole("link", { name: "Make a file for Phone" }).press("Enter");
    await page.getByRole("heading", { name: "A file for Phone" }).waitFor();
    await sound(page);
    await browser.shot(page, "devices-carry");
    await bundle("Make the file");
  });
}

async function shown({ step, browser, page, also }) {
  await step("both values stand in the case", async () => {
    await page.goto(at(page, `/cases/${env.CASE}`));
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
    await page.goto(at(page, "/devices"));
    await page.getByRole("heading", { name: "Written twice" }).waitFor();
    await sound(page);
    await browser.shot(page, "devices-twice");
    await page.locator(`a[href="/cases/${env.CASE}"]`).press("Enter");
    await also.first().waitFor();
  });
}

async function chosen({ step, page, also }) {
  const left = (count, what) => until(async () => (await also.count()) === count, what);

  await step("texts and lists can be kept both", async () => {
    const keepBoth = async (name, lines) => {
      const one = page.locator(".also").filter({ has: page.getByRole("button", { name: `Keep what is shown, ${name}` }) });
      check((await one.locator("mark").count()) > 1, `${name}: what differs is marked`);
      await one.locator("summary").press("Enter");
      const box = one.getByRole("textbox");
      same((await box.inputValue()).split("\n").sort().join("|"), lines.sort().join("|"), "the lines of both");
      await act(page, `Save both, ${name}`);
    };
    await keepBoth("Lesson", ["Ask for the old drain films first.", "Look at the tract before the wire."]);
    await left(2, "the lesson is settled");
    await keepBoth("Devices", ["10 Fr drain", "8 Fr drain", "0.035 stiff wire"]);
    await left(1, "and the devices");
  });

  await step("a number is chosen, and undo opens the choice again", async () => {
    const asks = async () => check((await also.innerText()).includes("19.7 min"), "the number is asked for");
    await asks();
    await act(page, /^Use /);
    await left(0, "it is chosen");
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await also.waitFor();
    await asks();
    await act(page, /^Keep /);
    await left(0, "it is chosen again");
    await page.goto(at(page, "/devices"));
    check((await page.getByRole("heading", { name: "Written twice" }).count()) === 0, "nothing is left to choose");
  });
}
