// What is typed and not saved outlives the program: PHASE types, then the server is killed, then
// PHASE looks again.

import { run, same } from "./harness.mjs";

const LINE = "R IJ port, Lindqvist, half a line";
const LESSON = "Half a lesson";

await run(`draft-${process.env.PHASE}`, async (step, browser) => {
  const page = await browser.enter();
  const line = page.getByRole("textbox", { name: "Jot a case in one line" });
  const lesson = page.getByLabel(/lesson/i).first();
  const kept = (path) => page.waitForResponse((answer) => new URL(answer.url()).pathname === path && answer.ok());

  if (process.env.PHASE === "type") {
    await step("a jot and a form are typed, and not saved", async () => {
      await Promise.all([kept("/jot/read"), line.pressSequentially(LINE)]);
      await page.getByRole("group", { name: "Read as" }).getByText("Lindqvist").waitFor();
      await page.getByRole("link", { name: "Thoracentesis" }).first().press("Enter");
      await page.getByRole("link", { name: "Edit" }).press("Enter");
      await Promise.all([kept("/form/keep"), lesson.fill(LESSON)]);
    });
    return;
  }
  await step("the jot stands where it stood", async () => {
    same(await line.inputValue(), LINE, "the jot box");
    await page.getByRole("group", { name: "Read as" }).getByText("Lindqvist").waitFor();
  });
  await step("the form says that it was left, and goes on", async () => {
    await page.getByRole("link", { name: "Thoracentesis" }).first().press("Enter");
    await page.getByText("An edit is typed and not saved yet.").waitFor();
    await page.getByRole("link", { name: "Go on" }).press("Enter");
    same(await lesson.inputValue(), LESSON, "the lesson");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Thoracentesis" }).waitFor();
    await page.getByText(LESSON).waitFor();
    same(await page.getByText("not saved yet").count(), 0, "drafts left");
  });
});
