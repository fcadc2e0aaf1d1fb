// Every page as people see it: pictures for them, and what holds for all of them.

import { run, same } from "./harness.mjs";
import { fits, focusIsSeen, sound, textSize } from "./look.mjs";

const PAPER = ["cases", "case", "tally"];

await run("looks", async (step, browser) => {
  const page = await browser.enter();
  const home = new URL("/", page.url());
  const first = await page.getByRole("link", { name: "Microwave ablation" }).first().getAttribute("href");
  const places = {
    cases: "/",
    case: first,
    edit: `${first}/edit`,
    debrief: `${first}/debrief`,
    tally: "/tally",
    find: "/find",
    deleted: "/deleted",
    export: "/export",
    settings: "/settings",
  };

  for (const [name, path] of Object.entries(places)) {
    await step(`${name}: light, dark, narrow, large text`, async () => {
      await page.goto(new URL(path, home).href);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await sound(page);
      await fits(page, `${name} at 1280`);
      await browser.shot(page, `${name}-light`);
      await page.emulateMedia({ colorScheme: "dark" });
      await browser.shot(page, `${name}-dark`);
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 640, height: 800 });
      await fits(page, `${name} at 640`);
      await browser.shot(page, `${name}-narrow`);
      await page.setViewportSize({ width: 1280, height: 800 });
      await textSize(page, 32);
      await fits(page, `${name} with text at 200 %`);
      await browser.shot(page, `${name}-large`);
      await textSize(page, 16);
      await focusIsSeen(page);
    });
  }

  for (const name of PAPER) {
    await step(`${name}: on paper`, async () => {
      await page.goto(new URL(places[name], home).href);
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      await page.setViewportSize({ width: 673, height: 1000 });
      for (const gone of ["header.rail", "form", "button", ".acts"]) {
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
      await page.setViewportSize({ width: 1280, height: 800 });
    });
  }

  await step("a chosen theme overrules the system", async () => {
    await page.goto(new URL("/settings", home).href);
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "Dark" }).press("Enter");
    await page.getByRole("button", { name: "Dark", pressed: true }).waitFor();
    await page.goto(home.href);
    same(await ground(), "rgb(13, 18, 19)", "the ground of a dark page");
    await page.goto(new URL("/settings", home).href);
    await page.getByRole("button", { name: "As the system" }).press("Enter");
    await page.getByRole("button", { name: "As the system", pressed: true }).waitFor();
    same(await ground(), light, "the ground as the system says");
  });
});
