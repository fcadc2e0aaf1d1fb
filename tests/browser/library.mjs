// Procedures and imaging: found, read, annotated; one box for library and records.

import { check, run, same } from "./harness.mjs";
import { fits, focusIsSeen, sound } from "./look.mjs";

await run("library", async (step, browser) => {
  const page = await browser.enter();
  const room = (name) => page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name });
  await reading(step, browser, page, room);
  await annotating(step, browser, page, room);
  await imaging(step, browser, page, room);
  await looks(step, browser, page);
});

async function reading(step, browser, page, room) {
  await step("procedures are listed by group, with the user's own count", async () => {
    await room("Procedures").click();
    await page.getByRole("heading", { level: 2, name: "Hepatobiliary and GI" }).waitFor();
    const row = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: "Paracentesis", exact: true }) });
    check((await row.innerText()).includes("cases, Low risk"), await row.innerText());
    await sound(page);
    await browser.shot(page, "procedures-light");
  });

  await step("one is read in half a minute, and in whole with its sources", async () => {
    await page.getByRole("link", { name: "Paracentesis", exact: true }).click();
    const brief = page.getByRole("region", { name: "In half a minute" });
    check((await brief.getByRole("listitem").count()) >= 4, "the half minute has no lines");
    await brief.getByText("Low bleeding risk, SIR 2019").waitFor();
    await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "Basic steps" }).press("Enter");
    same(new URL(page.url()).hash, "#steps", "the section");
    const cited = page.getByRole("link", { name: /^Source \d/ }).first();
    await cited.press("Enter");
    check(await page.locator("li:target").isVisible(), "the source is not shown");
    await page.getByText("Local policy wins").waitFor();
    check((await page.getByRole("region", { name: "Your cases" }).getByRole("listitem").count()) > 0, "no case of the user's own");
    await sound(page);
    await browser.shot(page, "procedure-light");
  });
}

async function annotating(step, browser, page, room) {
  await step("a note is added to it by keyboard and undone", async () => {
    await page.getByRole("link", { name: "Add a note" }).press("Enter");
    same(await page.getByLabel("Procedure").inputValue(), "Paracentesis", "the procedure");
    await page.getByLabel("Note", { exact: true }).focus();
    await page.keyboard.type("Here: color Doppler on, every time.");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText("Here: color Doppler on, every time.").waitFor();
    await room("Procedures").click();
    await page.getByRole("link", { name: "Paracentesis", exact: true }).click();
    const notes = page.getByRole("region", { name: "Your notes" });
    await notes.getByText("Here: color Doppler on").waitFor();
    await sound(page);
  });

  await step("labs are checked against its thresholds", async () => {
    await page.getByRole("link", { name: "Check labs" }).click();
    same(await page.getByRole("combobox", { name: "Procedure" }).inputValue(), "Paracentesis", "the procedure");
    await page.goBack();
  });

  await step("one box finds articles and records", async () => {
    await room("Procedures").click();
    await page.getByRole("heading", { level: 1, name: "Procedures" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("color doppler");
    await page.keyboard.press("Enter");
    const library = page.getByRole("region", { name: "Library" });
    const yours = page.getByRole("region", { name: "Yours" });
    await library.getByRole("link", { name: "Paracentesis" }).waitFor();
    check((await library.locator("mark").count()) > 0, "nothing is marked");
    await yours.getByText("every time").waitFor();
    await sound(page);
    await browser.shot(page, "find-both-light");
  });
}

async function imaging(step, browser, page, room) {
  await step("findings of the rotation stand by week, and basics beside them", async () => {
    await room("Imaging").click();
    same(await page.getByRole("region", { name: "Findings" }).getByRole("listitem").count(), 8, "findings");
    await page.getByRole("region", { name: "Week by week" }).getByText("Week 4").waitFor();
    await sound(page);
    await browser.shot(page, "imaging-light");
    await page.getByRole("link", { name: "Artery or vein on an angiogram" }).click();
    await page.getByRole("heading", { name: "What to look for" }).waitFor();
    await sound(page);
  });

  await step("a finding is written, and shows in the week", async () => {
    await room("Imaging").click();
    await page.getByRole("link", { name: "Write a finding" }).press("Enter");
    await page.getByLabel("Modality").fill("CTA");
    await page.getByLabel("Region").fill("celiac trunk");
    await page.getByLabel("How far you got").selectOption({ label: "Found alone" });
    await page.getByLabel("Finding", { exact: true }).fill("Replaced right hepatic from the SMA");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByRole("heading", { name: "Imaging finding" }).waitFor();
    await sound(page);
    await room("Imaging").click();
    await page.getByText("Replaced right hepatic").waitFor();
    await page.getByText("1 found alone").waitFor();
  });
}

async function looks(step, browser, page) {
  await step("in the dark, on a narrow window, and by keyboard", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await browser.shot(page, "imaging-dark");
    await page.goto(`${new URL(page.url()).origin}/procedures/tips`);
    await browser.shot(page, "procedure-dark");
    await focusIsSeen(page);
    await page.setViewportSize({ width: 480, height: 900 });
    await fits(page, "a procedure");
    await browser.shot(page, "procedure-narrow");
    await page.goto(`${new URL(page.url()).origin}/procedures`);
    await fits(page, "the procedures");
    await page.goto(`${new URL(page.url()).origin}/imaging`);
    await fits(page, "imaging");
    await browser.shot(page, "imaging-narrow");
  });
}
