// Pairs with a second program on this machine, syncs, and parts.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { check, run, same } from "./harness.mjs";
import { sound } from "./look.mjs";

const env = process.env;

await run("devices", async (step, browser) => {
  const page = await browser.enter();
  const act = (name) => page.getByRole("main").getByRole("button", { name }).press("Enter");
  const open = (name) => page.getByRole("navigation").getByRole("link", { name }).press("Enter");

  await step("a log without devices says what they are for, and no badge is shown", async () => {
    await open("Devices");
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    check((await page.locator(".sync").count()) === 0, "a badge without a device");
    await sound(page);
    await browser.shot(page, "devices-none");
  });

  await step("the first try with a code says what was wrong and keeps what was typed", async () => {
    await wrongCode(page);
    await open("Devices");
  });

  let phone;
  await step("a code is shown to scan and to type", async () => {
    await act("Show a code");
    await page.getByRole("img", { name: "Code to scan with the other device" }).waitFor();
    const code = await page.locator(".code").innerText();
    check(/^([0-9A-Z]{4}-){6}[0-9A-Z]{2}$/.test(code), `not a code: ${code}`);
    await sound(page);
    await browser.shot(page, "devices-code");
    const port = readFileSync(join(env.FOLDER, "data", "sync.port"), "utf8").trim();
    phone = other(["pair", code, "--at", `127.0.0.1:${port}`, "--name", "Phone"]);
  });

  await step("six digits pair the two", async () => {
    const digits = await phone.value("digits");
    const field = page.getByLabel("Six digits");
    await field.waitFor();
    await browser.shot(page, "devices-digits");
    await field.fill(digits === "000000" ? "000001" : "000000");
    await field.press("Enter");
    await page.getByText("Type them again").waitFor();
    await page.getByLabel("Six digits").fill(digits);
    await page.getByLabel("Six digits").press("Enter");
    await page.getByText("“Phone” is paired").first().waitFor();
    const ended = await phone.ended;
    check(ended === 0, `the other program ends with ${ended}: ${phone.said()}`);
  });

  await step("the device is listed, and the badge says that both have everything", async () => {
    await open("Devices");
    await page.getByRole("listitem").filter({ hasText: "Phone" }).getByText("On both devices").waitFor();
    await page.locator("#badge").getByText("On both devices").waitFor();
    await sound(page);
    await browser.shot(page, "devices-paired");
    await page.emulateMedia({ colorScheme: "dark" });
    await browser.shot(page, "devices-paired-dark");
    await page.emulateMedia({ colorScheme: "light" });
  });

  await step("a revoked device is shown as such", async () => {
    await page.getByRole("link", { name: "Revoke Phone" }).press("Enter");
    await page.getByRole("heading", { name: "Revoke Phone?" }).waitFor();
    await page.getByLabel("To confirm, type its name: Phone").fill("Phone");
    await act("Revoke");
    await page.getByText("Nothing goes to it and nothing is taken from it").waitFor();
    await sound(page);
  });
});

async function wrongCode(page) {
  await page.getByRole("link", { name: "Type a code of another device" }).press("Enter");
  const field = page.getByLabel("Code, as the other device shows it");
  await field.fill("0000-0000");
  await field.press("Enter");
  await page.locator(".pair .told").waitFor();
  same(await field.inputValue(), "0000-0000", "what the form came back with");
  await sound(page);
}

/** A second program with a log of its own. */
function other(args) {
  const home = env.OTHER;
  const child = spawn(env.SELDINGER, ["--data", join(home, "data"), ...args], {
    env: { ...env, HOME: home, XDG_CONFIG_HOME: "", XDG_DATA_HOME: "", DISPLAY: "", WAYLAND_DISPLAY: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((done) => child.on("close", (code, signal) => done(code ?? signal)));
  const value = async (label) => {
    for (;;) {
      const { value: line, done } = await lines.next();
      check(!done, `it ends before it says ${label}: ${said}`);
      if (line.startsWith(label)) return line.slice(label.length).trim();
    }
  };
  return { value, ended, said: () => said };
}
