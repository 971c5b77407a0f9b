import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../shared/conformance/", import.meta.url));

/** Whether the conformance data lies beside the repository. On CI it must. */
export function hasConformanceData(): boolean {
  const present = existsSync(ROOT);
  if (!present && process.env.CI) throw new Error("the conformance data is missing beside the repository");
  if (!present) console.warn("skipped: no conformance data beside the repository");
  return present;
}

export function conformanceText(name: string): string | undefined {
  return existsSync(ROOT + name) ? readFileSync(ROOT + name, "utf8") : undefined;
}
