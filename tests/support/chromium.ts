import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { hasTool } from "./tool.ts";

const run = promisify(execFile);

/** Debian's browser. */
export const CHROMIUM = "/usr/bin/chromium";

export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether Chromium is there; root installs the package when it is missing. See {@link hasTool}. */
export async function hasChromium(what: string): Promise<boolean> {
  const missing = await access(CHROMIUM).then(
    () => false,
    () => true,
  );
  if (missing && process.getuid?.() === 0) {
    const options = { timeout: 600_000, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    try {
      await run("apt-get", ["update", "-qq"], options);
      await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], options);
    } catch (error) {
      console.error(`chromium could not be installed: ${(error as Error).message}`);
    }
  }
  return hasTool(CHROMIUM, ["--version"], what);
}
