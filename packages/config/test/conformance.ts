import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../shared/conformance/", import.meta.url));

/** Whether the conformance data lies beside the repository. On CI its absence is an error. */
export function hasConformance(): boolean {
  if (existsSync(ROOT)) return true;
  if (process.env.CI) throw new Error("the conformance data is missing; it must lie beside the repository on CI");
  process.stdout.write("skipped: no conformance data beside the repository (../shared/conformance)\n");
  return false;
}

/** The objects of a JSONL file of the conformance data. */
export function readJsonLines<T>(path: string): T[] {
  const lines = readFileSync(ROOT + path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}

/** The path of a file or folder beside the repository (`shared`), for reading only. */
export function sharedPath(name: string): string {
  return fileURLToPath(new URL(`../../../../shared/${name}`, import.meta.url));
}
