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

/** The path of a file or folder of the conformance data. */
export function conformancePath(name: string): string {
  return `${ROOT}${name}`;
}

/** The documents of a JSON-lines file of the conformance data. */
export function conformanceLines<T>(name: string): readonly T[] {
  return readFileSync(conformancePath(name), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
