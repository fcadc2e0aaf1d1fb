// Every page as people see it: pictures for them, and what holds for all of them.

import { run, same } from "./harness.mjs";
import { fits, focusIsSeen, sound, withText } from "./look.mjs";

const LAPTOP = { width: 1280, height: 800 };
const NARROW = { width: 640, height: 800 };
const PHONE = { width: 390, height: 844 };
/** A4 between margins. */
const SHEET = { width: 673, height: 1000 };
/** What stays in sight while the page scrolls would hide some of it in a picture of all of it. */
const STICKY = ["edit", "debrief"];
const PAPER = ["cases", "case", "tally"];

async function onScreen(browser, page, name) {
  const shot = (look) => browser.shot(page, `${name}-${look}`, !STICKY.includes(name));
  await page.getByRole("heading", { level: 1 }).waitFor();
  await sound(page);
  await fits(page, `${name} at 1280`);
  await shot("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(NARROW);
  await fits(page, `${name} at 640`);
  await shot("narrow");
  await page.setViewportSize(PHONE);
  await fits(page, `${name} at 390`);
  await shot("phone");
  await page.setViewportSize(LAPTOP);
  await withText(page, 32, async () => {
    await fits(page, `${name} with text at 200 %`);
    // A picture of all of the page would bring the usual size back.
    await browser.shot(page, `${name}-large`, false);
  });
  await focusIsSeen(page);
}

async function onPaper(browser, page, name) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.setViewportSize(SHEET);
  for (const gone of ["header.rail", "form", "button", ".acts", "summary"]) {
    same(await page.locator(gone).filter({ visible: true }).count(), 0, `${gone} on paper`);
  }
  const colors = await page.evaluate(() => {
    const style = getComputedStyle(document.body);
    return `${style.color} on ${style.backgroundColor}`;
  });
  same(colors, "rgb(0, 0, 0) on rgb(255, 255, 255)", "ink and paper in the dark");
  await fits(page, `${name} on paper`);
  await browser.shot(page, `${name}-print`);
  await browser.paper(page, name);
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
  await page.setViewportSize(LAPTOP);
}

async function theme(page, settings, home) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const choose = async (name) => {
    await page.goto(settings);
    await page.getByRole("button", { name }).press("Enter");
    await page.getByRole("button", { name, pressed: true }).waitFor();
  };
  const light = await ground();
  await choose("Dark");
  await page.goto(home);
  same(await ground(), "rgb(13, 18, 19)", "the ground of a dark page");
  await choose("As the system");
  same(await ground(), light, "the ground as the system says");
}

await run("looks", async (step, browser) => {
  const page = await browser.enter();
  const home = new URL("/", page.url());
  const first = await page.getByRole("link", { name: "Microwave ablation" }).first().getAttribute("href");
  const places = {
    cases: "/",
    case: first,
    edit: `${first}/edit`,
    debrief: `${first}/debrief`,
    checklists: "/checklists",
    tally: "/tally",
    calculators: "/calculators",
    calculator: "/calculators/sir2019",
    find: "/find",
    deleted: "/deleted",
    export: "/export",
    settings: "/settings",
  };
  const at = (name) => new URL(places[name], home).href;

  for (const name of Object.keys(places)) {
    await page.goto(at(name));
    await step(`${name}: light, dark, narrow, large text`, () => onScreen(browser, page, name));
  }
  for (const name of PAPER) {
    await page.goto(at(name));
    await step(`${name}: on paper`, () => onPaper(browser, page, name));
  }
  await step("a chosen theme overrules the system", () => theme(page, at("settings"), home.href));
});
