import { readFileSync } from "node:fs";
import { type Diagnostic, formatDiagnostic } from "@fairlead/model";
import { afterAll, describe, expect, it } from "vitest";
import { KINDS, MESH_SCHEMAS, parseMeshConfig, parseMeshNetworks, validateDocument } from "../src/index.ts";
import { hasConformance, readJsonLines } from "./conformance.ts";

interface Verdict {
  readonly valid: boolean;
  readonly errors: readonly string[];
}

interface Case {
  readonly id: string;
  readonly doc?: unknown;
  readonly yaml?: string;
  readonly webhook: Verdict & { readonly warnings: readonly string[] };
  readonly crd?: Verdict;
}

interface Exception {
  readonly id: string;
  readonly reason: string;
}

/** Every document on which we and a cluster differ, with the reason; at most 1 % of all. */
const exceptions = JSON.parse(
  readFileSync(new URL("exceptions.json", import.meta.url), "utf8"),
) as readonly Exception[];
const excepted = new Set(exceptions.map(({ id }) => id));

function diagnose(kind: string, { doc, yaml }: Case): readonly Diagnostic[] {
  if (kind === "MeshConfig") return parseMeshConfig(yaml ?? "", { file: "mesh.yaml" }).diagnostics;
  if (kind === "MeshNetworks") return parseMeshNetworks(yaml ?? "", { file: "networks.yaml" }).diagnostics;
  return validateDocument(doc).diagnostics;
}

const count = (diagnostics: readonly Diagnostic[], severity: string) =>
  diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;

describe.runIf(hasConformance())("validation agrees with a cluster's webhook and CRDs", () => {
  const rows: string[] = [];
  let total = 0;
  afterAll(() => {
    process.stdout.write(
      `\n${"kind".padEnd(24)} cases  agreed  exceptions  warnings expected  found\n${rows.join("\n")}\n`,
    );
  });

  it.each([...Object.keys(KINDS), ...Object.keys(MESH_SCHEMAS)])("%s", (kind) => {
    const cases = readJsonLines<Case>(`validation/${kind}.jsonl`);
    const differences: string[] = [];
    let agreed = 0;
    let warned = 0;
    let found = 0;
    const silent: string[] = [];
    for (const test of cases) {
      const diagnostics = diagnose(kind, test);
      const wanted = test.webhook.valid && (test.crd?.valid ?? true);
      if ((count(diagnostics, "error") === 0) === wanted) agreed++;
      else if (!excepted.has(test.id))
        differences.push(
          `${test.id}: expected ${wanted ? "valid" : "invalid"}\n${diagnostics.map(formatDiagnostic).join("\n")}`,
        );
      // A document that is refused anyway need not be warned of.
      if (test.webhook.warnings.length === 0 || !wanted) continue;
      warned++;
      if (count(diagnostics, "warning") >= test.webhook.warnings.length) found++;
      else if (!excepted.has(`${test.id} (warnings)`))
        silent.push(
          `${test.id}: expected ${test.webhook.warnings.join("; ")}\n${diagnostics.map(formatDiagnostic).join("\n")}`,
        );
    }
    total += cases.length;
    const listed = cases.filter(({ id }) => excepted.has(id)).length;
    const numbers = [String(cases.length).padStart(5), String(agreed).padStart(7), String(listed).padStart(11)];
    rows.push(`${kind.padEnd(24)} ${numbers.join(" ")} ${String(warned).padStart(18)} ${String(found).padStart(6)}`);
    expect(differences).toEqual([]);
    expect(silent).toEqual([]);
  });

  it("lists at most 1 % exceptions, each with a reason", () => {
    expect(exceptions.filter(({ reason }) => reason.trim() === "")).toEqual([]);
    expect(exceptions.length).toBeLessThanOrEqual(total / 100);
  });
});
