// The first minutes: an empty log, the recovery code, the sample rotation and back.

import { pathToFileURL } from "node:url";
import { check, run, same } from "./harness.mjs";
import { sound } from "./look.mjs";

const { env } = process;

/** Shows the recovery code, and confirms it. */
async function confirmCode(page, browser) {
  await page.getByRole("link", { name: "Look at it" }).press("Enter");
  await page.getByRole("button", { name: "Show recovery code" }).press("Enter");
  const code = (await page.locator(".code").innerText()).trim();
  check(/^[0-9A-Z]{5}(-[0-9A-Z]{5}){3}-[0-9A-Z]{6}$/.test(code), `no code: ${code}`);
  await sound(page);
  await browser.shot(page, "recovery-code");
  await page.getByRole("link", { name: "I wrote it down" }).press("Enter");
  const fields = page.getByLabel(/^Group \d of 5$/);
  same(await fields.count(), 2, "groups that are asked for");
  await sound(page);
  for (let at = 0; at < 2; at++) {
    const label = await page.locator("form.digits label").nth(at).innerText();
    await fields.nth(at).fill(code.split("-")[Number(label.match(/\d/)[0]) - 1]);
  }
  await page.getByRole("button", { name: "Confirm" }).press("Enter");
  await page.getByText("kept nowhere but on your paper").waitFor();
  await page.getByRole("link", { name: "Cases" }).press("Enter");
  await page.getByText("Cases stand here, newest first.").waitFor();
  same(await page.getByRole("link", { name: "Look at it" }).count(), 0, "offers to show it again");
}

/** Types into a form while another window locks the page. */
async function lockElsewhere(page, browser) {
  const refused = () => check(browser.told().every((line) => line.includes("401")), "only what is locked is refused");
  await page.goto(new URL("/cases/new", page.url()).href);
  const lesson = page.getByLabel(/lesson/i).first();
  await lesson.fill("Typed before the lock");
  const [other, idle] = [await browser.context.newPage(), await browser.context.newPage()];
  await idle.goto(new URL("/tally", page.url()).href);
  await idle.getByText("0 cases").waitFor();
  await other.goto(new URL("/settings", page.url()).href);
  // Not kept yet: it is typed as the lock comes.
  await lesson.pressSequentially(", and after it");
  await other.getByRole("button", { name: "Lock now" }).press("Enter");
  await other.getByText("The key is out of memory, and sync has stopped.").waitFor();
  await idle.getByRole("button", { name: "Unlock" }).waitFor();
  await lesson.pressSequentially(" too");
  await page.getByRole("button", { name: "Save" }).press("Enter");
  await page.getByText("Seldinger is locked, so nothing is saved now.").waitFor();
  same(await lesson.inputValue(), "Typed before the lock, and after it too", "the lesson");
  refused();
  await other.getByRole("button", { name: "Unlock" }).press("Enter");
  await other.getByText("Cases stand here, newest first.").waitFor();
  await page.getByRole("button", { name: "Save" }).press("Enter");
  await page.getByText("Typed before the lock, and after it too").waitFor();
  refused();
  await Promise.all([other.close(), idle.close()]);
}

await run("first", async (step, browser) => {
  const page = await browser.enter();
  const cases = page.getByRole("table", { name: "Cases" }).locator("tbody tr");

  await step("an empty log says what will stand here", async () => {
    same(new URL(page.url()).search, "", "the token is gone from the address");
    await page.getByText("Cases stand here, newest first.").waitFor();
    await sound(page);
    await browser.shot(page, "empty-light");
  });

  await step("the first Tab leads past the navigation", async () => {
    await page.keyboard.press("Tab");
    same(await page.evaluate(() => document.activeElement.textContent), "To the page", "the first stop");
    await page.keyboard.press("Enter");
    same(await page.evaluate(() => document.activeElement.id), "main", "where it leads");
  });

  await step("the recovery code is shown until it is confirmed", () => confirmCode(page, browser));

  await step("the sample rotation opens as a book of its own", async () => {
    await page.getByRole("button", { name: "Open the sample rotation" }).press("Enter");
    await page.getByText("The sample rotation: invented cases").waitFor();
    same(await cases.count(), 46, "cases");
    await page.getByRole("link", { name: "Tally" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "46 cases" }).waitFor();
  });

  await step("and the own log is as it was", async () => {
    await page.getByRole("button", { name: "Back to your own log" }).press("Enter");
    await page.getByText("Cases stand here, newest first.").waitFor();
    same(await cases.count(), 0, "cases");
    await page.getByRole("link", { name: "Tally" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "0 cases" }).waitFor();
    await sound(page);
  });

  await step("a file hands the browser in, and the token is in no address", async () => {
    const file = pathToFileURL(env.OPENING).href;
    await browser.context.clearCookies();
    // It posts at once, and is gone then.
    await page.goto(file, { waitUntil: "commit" });
    await page.getByText("Cases stand here, newest first.").waitFor();
    const url = new URL(page.url());
    same(`${url.host}${url.pathname}${url.search}`, `${browser.host}/`, "where it leads");
  });

  await step("a locked page shows nothing until it is unlocked", async () => {
    await page.getByRole("link", { name: "Settings" }).press("Enter");
    await page.getByText("does not keep out whoever can use your account").waitFor();
    await page.getByRole("button", { name: "Lock now" }).press("Enter");
    await page.getByText("The key is out of memory, and sync has stopped.").waitFor();
    await page.goto(new URL("/tally", page.url()).href);
    same(await page.getByText("0 cases").count(), 0, "what a locked page shows");
    // It is refused with 401, which is the point.
    const told = browser.told();
    check(told.length > 0 && told.every((line) => line.includes("401")), told.join("\n"));
    await page.getByRole("button", { name: "Unlock" }).press("Enter");
    await page.getByText("Cases stand here, newest first.").waitFor();
  });

  await step("another window hears of the lock, and what was typed there is saved after it", () =>
    lockElsewhere(page, browser));
});
