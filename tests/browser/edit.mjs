// Editing: odd figures are kept, two windows overwrite nothing.

import { check, run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";

await run("edit", async (step, browser) => {
  const page = await browser.enter();
  const fluoro = page.getByRole("textbox", { name: "Fluoro" });
  await figures(step, browser, page, fluoro);
  await windows(step, browser, page);
  await debrief(step, page, fluoro);
});

function heading(page) {
  return page.getByRole("heading", { level: 1, name: "Thoracentesis" });
}

async function figures(step, browser, page, fluoro) {
  await step("a case opens in its form", async () => {
    await page.getByRole("link", { name: "Thoracentesis" }).first().press("Enter");
    await heading(page).waitFor();
    await page.getByRole("link", { name: "Edit" }).press("Enter");
    await fluoro.waitFor();
    await sound(page);
  });

  await step("an odd figure is told and saved anyway", async () => {
    await fluoro.fill("999");
    const warning = page.locator(".warn").filter({ hasText: /\S/ });
    await warning.first().waitFor();
    await browser.shot(page, "warning-light", false);
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await heading(page).waitFor();
    await page.getByRole("main").getByText("999").first().waitFor();
    await sound(page);
  });
}

async function windows(step, browser, page) {
  await step("two windows on one case: what differs is kept twice, the rest is saved", async () => {
    const edit = new URL(await page.getByRole("link", { name: "Edit" }).getAttribute("href"), page.url()).href;
    const other = await browser.context.newPage();
    await Promise.all([page.goto(edit), other.goto(edit)]);
    await page.getByLabel("Indication").fill("first window");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await heading(page).waitFor();
    await other.getByLabel("Indication").fill("second window");
    await other.getByLabel("Attending", { exact: true }).fill("Moreau");
    await other.getByRole("button", { name: "Save" }).press("Enter");
    await other.getByText("Also written here").waitFor();
    const shown = await other.getByRole("main").innerText();
    for (const part of ["first window", "second window", "Moreau", "999"]) check(shown.includes(part), `no ${part} in ${shown}`);
    await sound(other);
    await browser.shot(other, "also-light");
    await other.getByRole("button", { name: /^Use/ }).press("Enter");
    await until(async () => (await other.getByText("Also written here").count()) === 0, "settled");
    await other.close();
  });

  await step("what stood there before can be read", async () => {
    await page.reload();
    const was = page.locator("details.was summary").first();
    await was.press("Enter");
    await page.locator("details.was[open] li").first().waitFor();
  });
}

async function debrief(step, page, fluoro) {
  await step("a debrief counts its minutes down and keeps a lesson", async () => {
    await page.getByRole("link", { name: "Debrief" }).press("Enter");
    const clock = page.locator("[data-elapsed]");
    const first = await clock.innerText();
    check(/^[012]:\d\d$/.test(first), first);
    await until(async () => (await clock.innerText()) !== first, "the clock");
    await sound(page);
    await page.getByLabel(/lesson/i).first().fill("Needle above the rib");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText("Needle above the rib").waitFor();
  });

  await step("interesting and copies", async () => {
    await page.getByRole("button", { name: "Interesting" }).press("Enter");
    await page.getByRole("button", { name: "Not interesting" }).waitFor();
    await page.getByRole("button", { name: "Duplicate" }).press("Enter");
    await fluoro.waitFor();
    same(await fluoro.inputValue(), "", "what happened is not copied");
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await until(async () => (await page.getByText("Undone").count()) > 0, "undone");
  });
}
