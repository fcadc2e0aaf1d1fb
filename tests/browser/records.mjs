// Delete and bring back, erase, export and import.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, run, same } from "./harness.mjs";
import { sound } from "./look.mjs";

await run("records", async (step, browser) => {
  const page = await browser.enter();
  const at = places(page);
  await deleting(step, page, at);
  await exchanging(step, browser, page, at);
});

function places(page) {
  const count = page.locator("#count");
  const act = (name) => page.getByRole("main").getByRole("button", { name }).press("Enter");
  const go = (name) => page.getByRole("navigation").getByRole("link", { name }).press("Enter");
  const erase = async (name) => {
    await go("Cases");
    await page.getByRole("link", { name }).first().press("Enter");
    await act("Delete");
    await count.waitFor();
  };
  return { count, act, go, erase };
}

async function deleting(step, page, { count, act, go, erase }) {
  await step("a deleted case is gone from the list and can be brought back", async () => {
    await erase("Thoracentesis");
    same(await count.innerText(), "45 cases", "the list");
    await go("Recently deleted");
    await page.getByRole("heading", { name: "Recently deleted" }).waitFor();
    await page.getByText("30 days left").waitFor();
    await sound(page);
    await act("Bring back");
    await page.getByText("Back again").first().waitFor();
    await go("Cases");
    same(await count.innerText(), "46 cases", "the list");
  });

  await step("undo after deleting does the same", async () => {
    await erase("Thoracentesis");
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Thoracentesis" }).waitFor();
    await go("Cases");
    same(await count.innerText(), "46 cases", "the list");
  });

  await step("erased for good is found nowhere", async () => {
    await erase("Vertebroplasty");
    await go("Recently deleted");
    await page.getByRole("link", { name: "Erase for good" }).press("Enter");
    await page.getByText("Nothing brings it back.").waitFor();
    await sound(page);
    await act("Erase for good");
    await page.getByText("Erased for good.").first().waitFor();
    await go("Find");
    await page.getByRole("searchbox").pressSequentially("vertebroplasty");
    await page.getByRole("main").getByText(/Nothing has all of these words|Library|talk|question/i).first().waitFor();
    same(await page.locator('#hits a[href^="/cases/"]').count(), 0, "cases found");
  });
}

async function exchanging(step, browser, page, { count, act, go }) {
  const saved = join(process.env.FOLDER, "logbook.jsonl");
  await step("everything is exported", async () => {
    await go("Export, import");
    await sound(page);
    const get = async (name, file) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).press("Enter")]);
      await download.saveAs(file);
      return readFileSync(file, "utf8");
    };
    const lines = (await get("Everything, JSON lines", saved)).trim().split("\n").map(JSON.parse);
    same(lines.length, 111, "records");
    same(lines.filter((line) => line.kind === "case").length, 45, "cases");
    const table = await get("Cases, CSV", join(process.env.FOLDER, "cases.csv"));
    check(table.includes("Paracentesis") || table.includes("paracentesis"), "no case in the CSV");
  });

  await step("and imported again without a second copy", async () => {
    await page.getByLabel("File").setInputFiles(saved);
    await act("Import");
    await page.getByText("0 records are new.").waitFor();
    await page.getByText("111 were here already").waitFor();
  });

  await step("a bad file changes nothing and says which line", async () => {
    const bad = join(process.env.FOLDER, "bad.jsonl");
    writeFileSync(bad, '{"kind":"case","at":"2026-10-05T10:00:00-05:00","fields":{"procedure":"picc"}}\nnot a line\n');
    await page.getByLabel("File").setInputFiles(bad);
    await act("Import");
    await page.locator("#imported").getByText(/2/).first().waitFor();
    const told = browser.told();
    check(told.every((line) => line.includes("400")), told.join("\n"));
    await go("Cases");
    same(await count.innerText(), "45 cases", "the list");
  });
}
