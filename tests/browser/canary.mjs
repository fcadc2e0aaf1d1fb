// Writes a word that nobody else writes wherever something can be written, and looks at it in every
// way the page has. Rust then looks for it in the files of browser and app. The control is a word in
// an address: it has to be found, or nobody looked.

import { check, run, until } from "./harness.mjs";

const { CANARY, CONTROL, KINDS } = process.env;

await run("canary", async (step, browser) => {
  const page = await browser.enter();

  await step("it is jotted, found, read and edited", async () => {
    const line = page.getByRole("textbox", { name: "Jot a case in one line" });
    await line.pressSequentially(`picc, assisted, ${CANARY}`);
    await page.getByText("As note:").filter({ hasText: CANARY }).waitFor();
    await line.press("Enter");
    await until(async () => (await page.locator("#count").innerText()) === "1 case", "saved");
    await page.getByRole("searchbox", { name: "Find in cases" }).pressSequentially(CANARY);
    await page.locator("mark").first().waitFor();
    await page.goto(new URL("/find", page.url()).href);
    await page.getByRole("searchbox").pressSequentially(CANARY);
    await page.locator("#hits mark").first().waitFor();
    await page.locator("#hits a").first().press("Enter");
    await page.getByText(CANARY).first().waitFor();
    await page.pdf({ path: "/dev/null" });
    await page.getByRole("link", { name: "Edit" }).press("Enter");
    await page.getByLabel("Indication").fill(`${CANARY} once more`);
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByText(`${CANARY} once more`).waitFor();
  });

  await step("every kind of record is opened and printed, and no title tells of it", async () => {
    await page.goto(new URL("/find", page.url()).href);
    await page.getByRole("searchbox").pressSequentially(CANARY);
    await until(async () => (await page.locator("#hits a").count()) >= Number(KINDS), "every kind is found");
    const links = await page.locator("#hits a").evaluateAll((all) => all.map((link) => link.href));
    for (const link of new Set(links)) {
      await page.goto(link);
      // Print jobs are named by it, and the history keeps it.
      const title = await page.title();
      check(/^[A-Z][A-Za-z, ]+ · Seldinger$/.test(title), `the title of ${link} is ${title}`);
      check(!title.toLowerCase().includes(CANARY), `the title of ${link} is ${title}`);
      await page.pdf({ path: "/dev/null" });
    }
    await page.goto(links[0]);
    await page.getByText(CANARY).first().waitFor();
  });

  await step("a page with a control word in its address is visited", async () => {
    const answer = await page.goto(new URL(`/tally?control=${CONTROL}`, page.url()).href);
    check(answer.ok(), "the page with the control word");
    await page.goBack();
    await page.getByText(CANARY).first().waitFor();
  });

  await step("forms are left with it in them when the browser ends", async () => {
    await page.getByRole("link", { name: "Edit" }).press("Enter");
    await page.getByLabel("Indication").fill(`${CANARY} typed and left`);
    const second = await browser.context.newPage();
    await second.goto(new URL("/", page.url()).href);
    await second.getByRole("textbox", { name: "Jot a case in one line" }).pressSequentially(`${CANARY} left`);
    await second.getByText("As note:").filter({ hasText: CANARY }).waitFor();
  });
});
