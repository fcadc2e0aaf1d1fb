// Consults, by keyboard alone: filled in, killed, gone on with, said and turned into a case. PHASE says how far.

import { check, run, same, until } from "./harness.mjs";
import { sound } from "./look.mjs";

const QUESTION = "Tunneled dialysis line today, K 6.4, fistula clotted overnight";
const NARROW = { width: 390, height: 844 };
const LAPTOP = { width: 1280, height: 800 };

/** What the steps have at hand. */
function hands(browser, page) {
  const keys = page.keyboard;
  const paper = page.getByRole("complementary", { name: "To say" });
  const kept = () => page.waitForResponse((answer) => new URL(answer.url()).pathname === "/consults/keep" && answer.ok());

  /** Walks with Tab until the focus is on what `name` says. */
  const tabTo = async (place, what) => {
    for (let presses = 0; presses < 120; presses += 1) {
      if (await place.evaluate((found) => found === document.activeElement)) return;
      await keys.press("Tab");
    }
    check(false, `${what} is not reached by Tab`);
  };
  const type = async (label, text) => {
    const box = page.getByLabel(label, { exact: true });
    await tabTo(box, label);
    await Promise.all([kept(), keys.type(text)]);
  };
  const looks = async (name) => {
    await browser.shot(page, name);
    await page.emulateMedia({ colorScheme: "dark" });
    await browser.shot(page, `${name}-dark`);
    await page.setViewportSize(NARROW);
    await browser.shot(page, `${name}-narrow-dark`);
    await page.emulateMedia({ colorScheme: "light" });
    await browser.shot(page, `${name}-narrow`);
    await sound(page);
    await page.setViewportSize(LAPTOP);
  };
  return { page, keys, paper, kept, tabTo, type, looks };
}

async function typed({ step, page, keys, paper, kept, tabTo, type, looks }) {
  await step("the consults of the rotation are listed, newest first", async () => {
    const room = page.getByRole("link", { name: "Consults", exact: true });
    await tabTo(room, "the room");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Consults" }).waitFor();
    same(await page.locator(".lines > li").count(), 10, "consults");
    check((await page.locator(".lines > li").first().innerText()).includes("K 6.4"), "the newest is first");
    await sound(page);
    await looks("consults-list");
  });

  await step("a template is chosen and filled in, and what is said follows", async () => {
    await tabTo(page.getByRole("link", { name: "Vascular access", exact: true }), "the template");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Consult: vascular access" }).waitFor();
    await paper.getByText("What you fill in is put into words here.").waitFor();
    await tabTo(page.getByLabel("Age band", { exact: true }), "the age");
    await Promise.all([kept(), keys.type("60s")]);
    await tabTo(page.getByLabel("Sex", { exact: true }), "the sex");
    await Promise.all([kept(), keys.type("M")]);
    await type("Asked by", "nephrology");
    await type("Question", QUESTION);
    await type("Procedure asked for", "Dialysis catheter placement");
    await type("History", "ESRD via L BC AVF clotted overnight, last HD 3 d ago");
    await type("INR", "2.9");
    await paper.getByText("A man in his 60s with end-stage renal disease").waitFor();
    await paper.getByText("Nephrology asks for a tunneled dialysis line today, potassium 6.4").waitFor();
    await page.getByText("2.0–3.0, ask").waitFor();
    same(await paper.locator("mark").innerText(), "INR 2.9", "the figure that stands out");
    await type("Platelets", "158");
    await page.getByText("≥ 20").waitFor();
    await sound(page);
  });
}

async function goneOnWith({ step, page, keys, paper, tabTo, type, looks }) {
  await step("what was typed stands where it stood", async () => {
    await tabTo(page.getByRole("link", { name: "Consults", exact: true }), "the room");
    await keys.press("Enter");
    await tabTo(page.getByRole("link", { name: "Go on" }), "what was begun");
    await keys.press("Enter");
    await page.getByText("As you left it").waitFor();
    same(await page.getByLabel("Question", { exact: true }).inputValue(), QUESTION, "the question");
    await paper.getByText("INR 2.9").waitFor();
    await type("Pertinent negatives", "no infection");
    await type("What you would suggest", "suggest R IJ catheter now");
    await paper.getByText("I'd suggest a right IJ catheter now.").waitFor();
    await looks("consults-form");
    await tabTo(page.getByRole("button", { name: "Save" }), "Save");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: QUESTION }).waitFor();
    await page.getByText("No case followed yet.").waitFor();
    await sound(page);
    await looks("consults-sheet");
  });

  await step("it is said part by part", async () => {
    await tabTo(page.getByRole("link", { name: "Say it" }), "Say it");
    await keys.press("Enter");
    const next = page.getByRole("button", { name: "Next: Problem, and why IR" });
    await next.waitFor();
    await looks("consults-say");
    await keys.press("Space");
    await page.getByRole("button", { name: "Next: For and against" }).waitFor();
    await keys.press("ArrowLeft");
    await next.waitFor();
    same(await page.locator("section[aria-current]").getAttribute("data-part"), "In one line", "the part");
    await keys.press("Escape");
    await page.getByRole("heading", { level: 1, name: QUESTION }).waitFor();
  });
}

async function becameACase({ step, page, keys, tabTo }) {
  await step("it becomes a case", async () => {
    await tabTo(page.getByRole("link", { name: "Write the case" }), "the case");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: "A case from a consult" }).waitFor();
    same(await page.getByLabel("Procedure", { exact: true }).inputValue(), "Dialysis catheter placement", "the procedure");
    same(await page.getByLabel("INR", { exact: true }).inputValue(), "2.9", "the INR");
    same(await page.getByLabel("Indication", { exact: true }).inputValue(), QUESTION, "the indication");
    await tabTo(page.getByRole("button", { name: "Save" }), "Save");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Dialysis catheter placement" }).waitFor();
    await tabTo(page.getByRole("link", { name: QUESTION }), "the consult");
    await keys.press("Enter");
    await page.getByText("The case that followed").waitFor();
    await tabTo(page.getByRole("link", { name: "Dialysis catheter placement" }), "the case");
    await sound(page);
  });

  await step("it is unlinked, and linked again", async () => {
    await tabTo(page.getByRole("button", { name: "Unlink Dialysis catheter placement" }), "Unlink");
    await keys.press("Enter");
    await page.getByText("No case followed yet.").waitFor();
    await tabTo(page.locator("summary", { hasText: "Link a case" }), "Link a case");
    await keys.press("Enter");
    await tabTo(page.getByRole("button", { name: "Link", exact: true }), "Link");
    await keys.press("Enter");
    await page.getByText("The case that followed").waitFor();
  });
}

async function ownTemplate({ step, page, looks }) {
  await step("a template of one's own asks for more", async () => {
    await page.goto(new URL("/consults/templates", page.url()).href);
    await sound(page);
    await page.getByRole("button", { name: "Copy Consult: drain" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Consult: drain, own" }).waitFor();
    await page.getByLabel("Title").fill("Night drain");
    await page.getByRole("button", { name: "Rename" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Night drain" }).waitFor();
    await page.getByLabel("Add a field").fill("Size of the collection");
    await page.getByLabel("What it holds").selectOption("number");
    await page.getByLabel("Unit", { exact: true }).fill("cm");
    await page.getByRole("button", { name: "Add", exact: true }).press("Enter");
    await page.getByText("own.size_of_the_collection", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Ask for Size of the collection" }).press("Enter");
    await page.getByRole("button", { name: "Drop Prior imaging" }).press("Enter");
    same(await page.getByText("prior_imaging", { exact: true }).count(), 0, "the dropped field");
    await looks("consults-template");
    await page.getByRole("link", { name: "Begin a consult" }).press("Enter");
    await page.getByLabel("Size of the collection").fill("6.2");
    await page.getByLabel("Question", { exact: true }).fill("Drain for an abscess?");
    await page.getByRole("button", { name: "Save" }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Drain for an abscess?" }).waitFor();
    await page.getByText("6.2 cm").waitFor();
  });

  await step("another template takes along what was typed", async () => {
    await page.goto(new URL("/consults/new?form=consult-drain", page.url()).href);
    const kept = page.waitForResponse((answer) => answer.url().endsWith("/consults/keep"));
    await page.getByLabel("Prior imaging", { exact: true }).fill("CT last week");
    await kept;
    await page.locator("summary", { hasText: "Change template" }).press("Enter");
    await page.getByRole("button", { name: "Bleeding", exact: true }).press("Enter");
    await page.getByRole("heading", { level: 1, name: "Consult: bleeding" }).waitFor();
    same(await page.getByLabel("Note", { exact: true }).inputValue(), "Prior imaging: CT last week", "the note");
  });

  await step("a template that cannot be read says where, and is kept", async () => {
    await page.goto(new URL("/consults/templates", page.url()).href);
    await page.getByRole("link", { name: "Night drain" }).first().press("Enter");
    await page.locator("summary", { hasText: "As text" }).press("Enter");
    const text = page.getByLabel("Definition");
    await text.fill(`${await text.inputValue()}\nnonsense = 1\n`);
    await page.getByRole("button", { name: "Save the text" }).press("Enter");
    await page.getByText("template.toml, line").waitFor();
    check((await text.inputValue()).includes("nonsense"), "the text is kept");
    await sound(page);
  });
}

async function ownWording({ step, page, paper, looks }) {
  await step("the wording is changed, and a broken one falls back", async () => {
    await page.goto(new URL("/consults/wording", page.url()).href);
    const text = page.getByLabel("Wording");
    const shipped = await text.inputValue();
    await text.fill(shipped.replace("I'd suggest {{ plan", "What I would do: {{ plan"));
    await page.getByRole("button", { name: "Save the wording" }).press("Enter");
    await page.getByText("Yours.").waitFor();
    await page.goto(new URL("/consults", page.url()).href);
    await page.getByRole("link", { name: "Splenic embolisation?" }).press("Enter");
    await until(() => paper.getByText("What I would do: proximal splenic").count(), "the own wording");
    await page.goto(new URL("/consults/wording", page.url()).href);
    await text.fill(shipped.replace("{% if plan %}", "{% if plan"));
    await page.getByRole("button", { name: "Save the wording" }).press("Enter");
    await page.getByText("wording.toml, line").waitFor();
    await looks("consults-wording");
    await page.goto(new URL("/consults", page.url()).href);
    await page.getByRole("link", { name: "Splenic embolisation?" }).press("Enter");
    await paper.getByText("I'd suggest proximal splenic").waitFor();
  });
}

const PHASES = { type: [typed], again: [goneOnWith, becameACase], own: [ownTemplate, ownWording] };

await run(`consults-${process.env.PHASE}`, async (step, browser) => {
  const page = await browser.enter();
  for (const phase of PHASES[process.env.PHASE]) await phase({ step, ...hands(browser, page) });
});
