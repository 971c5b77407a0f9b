import { hasDebianTool } from "./debian.ts";

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

/** Whether Chromium is there; root installs the package when it is missing. */
export function hasChromium(what: string): Promise<boolean> {
  return hasDebianTool(CHROMIUM, ["--version"], "chromium", what);
}
