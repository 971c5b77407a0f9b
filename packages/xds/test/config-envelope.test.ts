import { type ConfigObject, KINDS, type KindName, validateDocument, validateObject } from "@fairlead/config";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shaped } from "../../config/test/arbitrary.ts";
import { hasConformance, readJsonLines } from "../../config/test/conformance.ts";
import { configTypeUrl, decodeConfig, encodeConfig } from "../src/config/envelope.ts";

const NAMES = Object.keys(KINDS) as KindName[];

/** What came back is valid, and is written as the same bytes. */
function travels(object: ConfigObject): void {
  const sent = encodeConfig(object);
  const received = decodeConfig(configTypeUrl(object.kind), sent.bytes);
  expect(validateObject(received).filter(({ severity }) => severity === "error")).toEqual([]);
  expect(received.metadata).toMatchObject({
    name: object.metadata.name,
    namespace: object.metadata.namespace,
    labels: object.metadata.labels,
    annotations: object.metadata.annotations,
  });
  expect(Buffer.compare(encodeConfig(received).bytes, sent.bytes)).toBe(0);
}

describe.runIf(hasConformance())("valid documents of the conformance data", () => {
  it("travel over xDS and are valid there", () => {
    const objects = NAMES.flatMap((kind) => readJsonLines<{ doc: unknown }>(`validation/${kind}.jsonl`)).flatMap(
      ({ doc }) => validateDocument(doc, { defaultNamespace: "default" }).object ?? [],
    );
    for (const object of objects) travels(object);
    expect(objects.length).toBeGreaterThan(900);
  });
});

describe.each(NAMES)("%s", (kind) => {
  it("travels over xDS when it is valid", () => {
    const apiVersion = `${KINDS[kind].group}/${KINDS[kind].versions[0]}`;
    fc.assert(
      fc.property(shaped(KINDS[kind].schema), (spec) => {
        const document = { apiVersion, kind, metadata: { name: "a", namespace: "n" }, spec };
        const { object } = validateDocument(document);
        if (object) travels(object);
      }),
      { numRuns: 200 },
    );
  });
});
