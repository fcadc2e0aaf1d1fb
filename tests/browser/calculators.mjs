// Calculators: found, filled in by keyboard, answered as they are filled; nothing of it is kept.

import { run, same } from "./harness.mjs";
import { sound } from "./look.mjs";

await run("calculators", async (step, browser) => {
  const page = await browser.enter();
  const answer = page.locator("#answer");

  await step("they are listed with their sources", async () => {
    await page.getByRole("link", { name: "Calculators" }).click();
    await page.getByText("Local policy wins").waitFor();
    await sound(page);
  });

  await step("a score is worked out as soon as it can be", async () => {
    await page.getByRole("link", { name: "MELD", exact: true }).click();
    await page.getByLabel("Bilirubin, total").focus();
    await page.keyboard.type("106 µmol/L");
    await answer.getByText("Missing: INR, Creatinine.").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type("1.4");
    await page.keyboard.press("Tab");
    await page.keyboard.type("1");
    await answer.getByText("Local policy wins").waitFor();
    same(await answer.locator("dd").first().innerText(), "17", "the score");
    await sound(page);
  });

  await step("what is most likely a slip gives no result", async () => {
    await page.getByLabel("INR").fill("140");
    await answer.getByText("INR is outside of 0.5 to 15").waitFor();
    same(await answer.locator("dl").count(), 0, "results");
  });

  await step("labs and drugs stand against the thresholds of a procedure", async () => {
    await page.getByRole("link", { name: "Calculators" }).first().click();
    await page.getByRole("link", { name: "Bleeding risk, SIR 2019" }).click();
    await page.getByRole("combobox", { name: "Procedure" }).fill("Liver biopsy (percutaneous)");
    await page.getByLabel("INR").fill("1.9");
    await page.getByLabel("Platelets").fill("60");
    await page.getByRole("checkbox", { name: "Clopidogrel" }).check();
    await answer.getByText("Clopidogrel, how long").waitFor();
    same(await answer.locator("dd").first().innerText(), "Not met", "all together");
    await sound(page);
  });

  await step("a reload forgets it", async () => {
    await page.reload();
    same(await page.getByLabel("INR").inputValue(), "", "the INR");
    same((await answer.innerText()).trim(), "", "the answer");
  });
});
