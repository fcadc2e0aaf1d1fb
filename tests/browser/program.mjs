// The command line beside the page.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { check } from "./harness.mjs";

const env = process.env;

/** The program on the log that is in a home folder. */
export function program(home, args) {
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
