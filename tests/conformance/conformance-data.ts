import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../shared/conformance/", import.meta.url));

/** Whether the conformance data lies beside the repository. On CI it must. */
export function hasConformanceData(): boolean {
  const present = existsSync(ROOT);
  if (!present && process.env.CI) throw new Error("the conformance data is missing beside the repository");
  if (!present) console.warn("skipped: no conformance data beside the repository");
  return present;
}

/** The path of a file or folder of the conformance data. */
export function conformancePath(name: string): string {
  return `${ROOT}${name}`;
}

export function conformanceFolders(name: string): readonly string[] {
  return readdirSync(conformancePath(name), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export function conformanceText(name: string): string | undefined {
  const path = conformancePath(name);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

export function conformanceJson<T>(name: string): T | undefined {
  const text = conformanceText(name);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
