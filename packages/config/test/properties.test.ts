import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConfigObject,
  KINDS,
  type KindDefinition,
  type KindName,
  MESH_SCHEMAS,
  parseDocuments,
  parseMeshConfig,
  parseMeshNetworks,
  printDocument,
  printYaml,
  textStore,
  toKubernetes,
  validateDocument,
} from "../src/index.ts";
import { shaped } from "./arbitrary.ts";
import { hasConformance, readJsonLines } from "./conformance.ts";

const NAMES = Object.keys(KINDS) as KindName[];

function documentOf(kind: KindName, spec: unknown): Readonly<Record<string, unknown>> {
  const { group, versions }: KindDefinition = KINDS[kind];
  return { apiVersion: `${group}/${versions[0]}`, kind, metadata: { name: "a", namespace: "n" }, spec };
}

describe.each(NAMES)("%s", (kind) => {
  const { schema }: KindDefinition = KINDS[kind];

  it("is read back as it was printed, and validated alike", () => {
    fc.assert(
      fc.property(shaped(schema), (spec) => {
        const document = documentOf(kind, spec);
        const { documents } = parseDocuments(printDocument(document), { file: "a.yaml" });
        expect(documents.map(({ value }) => value)).toEqual([document]);
        const verdict = validateDocument(document);
        expect(documents[0]?.diagnostics.map(({ code, path }) => [code, path])).toEqual(
          verdict.diagnostics.map(({ code, path }) => [code, path]),
        );
        if (verdict.object) expect(toKubernetes(verdict.object)).toEqual(document);
      }),
      { numRuns: 60 },
    );
  });

  it("is judged without an exception, whatever the JSON", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), shaped(schema).chain(damaged)), (spec) => {
        const { valid, object, diagnostics } = validateDocument(documentOf(kind, spec));
        expect(object !== undefined).toBe(valid);
        expect(diagnostics.some(({ severity }) => severity === "error")).toBe(!valid);
      }),
      { numRuns: 150 },
    );
  });
});

/** A value with one part replaced by any JSON. */
function damaged(value: unknown): fc.Arbitrary<unknown> {
  const paths: (readonly (string | number)[])[] = [];
  const visit = (item: unknown, path: readonly (string | number)[]) => {
    paths.push(path);
    if (typeof item === "object" && item !== null)
      for (const [key, child] of Object.entries(item)) visit(child, [...path, Array.isArray(item) ? Number(key) : key]);
  };
  visit(value, []);
  return fc
    .tuple(fc.constantFrom(...paths), fc.jsonValue())
    .map(([path, replacement]) => replaced(value, path, replacement));
}

function replaced(value: unknown, [head, ...rest]: readonly (string | number)[], replacement: unknown): unknown {
  if (head === undefined) return replacement;
  if (Array.isArray(value))
    return value.map((item, index) => (index === head ? replaced(item, rest, replacement) : item));
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [head]: replaced(record[head], rest, replacement) };
}

describe("any text and any JSON", () => {
  it("is judged without an exception", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.json()), (text) => {
        for (const duplicateKeys of ["error", "last"] as const) parseDocuments(text, { file: "a", duplicateKeys });
        parseMeshConfig(text, { file: "a" });
        parseMeshNetworks(text, { file: "a" });
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void validateDocument(value)));
  });

  it.each(Object.entries(MESH_SCHEMAS))("is judged as %s without an exception", (name, schema) => {
    fc.assert(
      fc.property(shaped(schema).chain(damaged), (value) => {
        const parse = name === "MeshConfig" ? parseMeshConfig : parseMeshNetworks;
        expect(parse(printDocument(value), { file: "a" }).diagnostics).toBeInstanceOf(Array);
      }),
      { numRuns: 100 },
    );
  });
});

describe.runIf(hasConformance())("the documents of the conformance data", () => {
  const objects = NAMES.flatMap((kind) => readJsonLines<{ doc: unknown }>(`validation/${kind}.jsonl`)).flatMap(
    ({ doc }) => validateDocument(doc, { defaultNamespace: "default" }).object ?? [],
  );

  it("are read back as they were printed", () => {
    for (const object of objects) {
      const { documents } = parseDocuments(printYaml(object), { file: "a.yaml" });
      expect(documents[0]?.object).toEqual(JSON.parse(JSON.stringify(object)));
    }
    expect(objects.length).toBeGreaterThan(900);
  });

  it("are the same whatever their order", () => {
    const distinct = [...new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object])).values()];
    const keys = (order: readonly ConfigObject[]) => {
      const store = textStore({ "all.yaml": printYaml(...order) });
      return [...store.keys()].sort().map((key) => [key, store.get(key)]);
    };
    expect(keys(distinct.toReversed())).toEqual(keys(distinct));
  });
});
