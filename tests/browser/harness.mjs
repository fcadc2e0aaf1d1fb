// Drives the page in Chromium. A script is a list of steps; a step that fails ends the script.
//
// Rust starts the app and owns its folders (tests/system/browser.rs); this side sees what a user sees.
// Every request, console line and policy report of the whole run is watched.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const env = process.env;
const { chromium } = await import(pathToFileURL(join(env.PLAYWRIGHT_CORE, "index.mjs")));
const SCREENS = join(env.TEST_OUTPUT, "screens");
/** A search that was overtaken by the next letter; htmx calls that an error. */
const OVERTAKEN = /^htmx:(sendAbort|afterRequest), /;
const LAPTOP = { width: 1280, height: 800 };

/** Fails the step that is running unless `holds`. */
export function check(holds, what) {
  if (!holds) throw new Error(what);
}

export function same(found, expected, what) {
  check(found === expected, `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

/** Waits until `ask` says something true; its last answer. */
export async function until(ask, what, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    check(Date.now() < end, `${what} did not come true`);
    await new Promise((later) => setTimeout(later, 25));
  }
}

class Browser {
  constructor(context) {
    this.context = context;
    this.trouble = [];
    this.host = new URL(env.ADDRESS).host;
  }

  /** Watches a page from its first request on. */
  async watch(page) {
    page.setDefaultTimeout(10_000);
    page.on("console", (line) => {
      const bad = ["error", "warning"].includes(line.type());
      if (bad && !OVERTAKEN.test(line.text())) this.trouble.push(`console: ${line.text()}`);
    });
    page.on("pageerror", (error) => this.trouble.push(`script: ${error.message}`));
    page.on("response", (answer) => {
      if (answer.status() >= 400) this.trouble.push(`${answer.status()} for ${new URL(answer.url()).pathname}`);
    });
  }

  /** What went wrong beside the steps since the last call. */
  told() {
    return this.trouble.splice(0);
  }

  /** Opens the page as the printed address does. */
  async enter() {
    const page = this.context.pages()[0] ?? (await this.context.newPage());
    await page.goto(env.ADDRESS);
    return page;
  }

  /** A picture for people: of all of the page, or of what a window shows. */
  async shot(page, name, fullPage = true) {
    mkdirSync(SCREENS, { recursive: true });
    // The caret stays: hiding it leaves inline styles behind, which the page's policy then reports.
    const look = { animations: "disabled", caret: "initial", fullPage };
    await page.screenshot({ path: join(SCREENS, `${name}.png`), ...look });
  }

  /** The page on both sizes of paper. */
  async paper(page, name) {
    mkdirSync(SCREENS, { recursive: true });
    for (const format of ["A4", "Letter"]) {
      const pdf = await page.pdf({ path: join(SCREENS, `${name}-${format}.pdf`), format });
      check(pdf.length > 10_000, `${name} on ${format} is empty`);
    }
  }
}

async function launch() {
  const context = await chromium.launchPersistentContext(env.PROFILE, {
    executablePath: env.CHROMIUM,
    headless: true,
    chromiumSandbox: false,
    viewport: LAPTOP,
    colorScheme: "light",
    reducedMotion: "reduce",
    locale: "en-US",
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const browser = new Browser(context);
  context.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.host === browser.host || ["data:", "file:"].includes(url.protocol);
    if (!own) browser.trouble.push(`a request to ${url.protocol}//${url.host}`);
  });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  context.on("page", (page) => browser.watch(page));
  for (const page of context.pages()) await browser.watch(page);
  return browser;
}

/** Runs a script. `steps` is handed `step(name, work)` and the browser. */
export async function run(script, steps) {
  let passed = 0;
  let failed = 0;
  const browser = await launch();
  const step = async (name, work) => {
    try {
      await work();
      const told = browser.told();
      check(told.length === 0, told.join("\n"));
      passed += 1;
      console.log(`ok     ${script}: ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${script}: ${name}\n${error.stack}`);
      for (const [at, page] of browser.context.pages().entries()) {
        console.log(`       at ${page.url()}`);
        await browser.shot(page, `failed-${script}-${at}`).catch(() => {});
      }
      throw error;
    }
  };
  try {
    await steps(step, browser);
  } catch (error) {
    if (failed === 0) {
      failed = 1;
      console.log(`FAILED ${script}: ${error.stack}`);
    }
  }
  await browser.context.close();
  console.log(`browser: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
