import { describe, expect, it } from "vitest";
import { KINDS, type KindName } from "../kinds.ts";
import { customResourceDefinition, jsonSchema } from "./crd.ts";

type Node = Readonly<Record<string, unknown>>;

function* nodes(schema: Node, path: string): Generator<readonly [string, Node]> {
  yield [path, schema];
  const { properties, items, additionalProperties } = schema as {
    properties?: Node;
    items?: Node;
    additionalProperties?: unknown;
  };
  for (const [name, child] of Object.entries(properties ?? {})) yield* nodes(child as Node, `${path}.${name}`);
  if (items) yield* nodes(items, `${path}[]`);
  if (typeof additionalProperties === "object" && additionalProperties !== null)
    yield* nodes(additionalProperties as Node, `${path}{}`);
}

describe.each(Object.keys(KINDS) as KindName[])("%s", (kind) => {
  const definition = customResourceDefinition(kind) as {
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly versions: readonly { readonly storage: boolean; readonly schema: { openAPIV3Schema: Node } }[];
    };
  };

  it("has a structural schema: a type everywhere, nothing but junctors besides", () => {
    const [version] = definition.spec.versions;
    for (const [path, node] of nodes(version?.schema.openAPIV3Schema ?? {}, kind)) {
      expect([path, node.type]).toEqual([
        path,
        expect.stringMatching(/^(object|array|string|integer|number|boolean)$/),
      ]);
      expect(node).not.toHaveProperty("$ref");
      if (node.type === "array") expect([path, typeof node.items]).toEqual([path, "object"]);
    }
    expect(definition.spec.versions.filter(({ storage }) => storage)).toHaveLength(1);
  });

  it("has a JSON Schema that knows its fields only", () => {
    for (const [path, node] of nodes(jsonSchema(kind).properties as Node, kind))
      if (node.properties)
        expect([path, node.additionalProperties !== undefined || path.endsWith(".metadata")]).toEqual([path, true]);
  });
});

it("says what the CRD of a VirtualService must say", () => {
  const text = JSON.stringify(customResourceDefinition("VirtualService"));
  expect(text).toContain('"name":"virtualservices.networking.istio.io"');
  expect(text).toContain('"x-kubernetes-validations":[{"rule":"duration(self) >= duration(\'1ms\')"');
  expect(text).toContain('"required":["destination"]');
});

it("describes mesh documents without an envelope", () => {
  expect(jsonSchema("MeshNetworks")).toMatchObject({
    title: "MeshNetworks",
    properties: { networks: { type: "object" } },
  });
});
