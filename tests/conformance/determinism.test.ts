import { type GeneratorName, translate } from "@fairlead/xds/translate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type XdsCase, xdsCases } from "./cases.ts";
import { conformanceText, hasConformanceData } from "./conformance-data.ts";
import { meshOf } from "./load-mesh.ts";
import { RESOURCE_TYPES } from "./normalise.ts";

/** Meshes where order could matter: several objects for one host, gateway or workload, and Kubernetes objects. */
const CASES = [
  "dr-merge-same-host",
  "dr-precedence-namespaces",
  "gateway-multiple-vs-merge",
  "k8s-vm-and-pods",
  "locality-failover-priority",
  "route-first-match-wins-multiple-vs",
  "serviceentry-exportto",
];

const cases: readonly XdsCase[] = hasConformanceData() ? xdsCases().filter(({ name }) => CASES.includes(name)) : [];

async function bytes(one: XdsCase, documents: readonly string[]): Promise<readonly string[]> {
  const mesh = await meshOf({ "mesh.yaml": documents.join("\n---\n") });
  return one.proxies.flatMap(({ node }) => {
    const made = translate(mesh, node);
    return RESOURCE_TYPES.map((type: GeneratorName) => JSON.stringify(made[type].map(({ resource }) => resource)));
  });
}

describe.skipIf(cases.length === 0)("the same objects in any order give the same bytes", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const documents = (conformanceText(`${one.folder}/mesh.yaml`) ?? "").split(/^---$/m);
    const expected = await bytes(one, documents);
    const anyOrder = fc.shuffledSubarray(documents, { minLength: documents.length });
    await fc.assert(
      fc.asyncProperty(anyOrder, async (shuffled) => {
        expect(await bytes(one, shuffled)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });
});
