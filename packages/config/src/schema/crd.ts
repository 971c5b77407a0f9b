import { KINDS, type KindDefinition, type KindName, MESH_SCHEMAS, type MeshDocumentName } from "../kinds.ts";
import { schemaOf } from "./field-paths.ts";
import { type JsonSchema, toJsonSchema } from "./json-schema.ts";

const STRING_MAP: JsonSchema = { type: "object", additionalProperties: { type: "string" } };

/**
 * JSON Schema (2020-12) of a kind's documents, for editors and other tools; of MeshConfig and MeshNetworks, which have
 * no envelope, of the document itself.
 */
export function jsonSchema(kind: KindName | MeshDocumentName): JsonSchema {
  const $schema = "https://json-schema.org/draft/2020-12/schema";
  const spec = toJsonSchema(schemaOf(kind), false);
  if (Object.hasOwn(MESH_SCHEMAS, kind)) return { $schema, title: kind, ...spec };
  const { group, versions }: KindDefinition = KINDS[kind as KindName];
  return {
    $schema,
    title: kind,
    type: "object",
    properties: {
      apiVersion: { enum: versions.map((version) => `${group}/${version}`) },
      kind: { const: kind },
      metadata: {
        type: "object",
        properties: {
          name: { type: "string" },
          namespace: { type: "string" },
          labels: STRING_MAP,
          annotations: STRING_MAP,
        },
        required: ["name"],
      },
      spec,
      status: { type: "object" },
    },
    required: ["apiVersion", "kind", "metadata"],
    additionalProperties: false,
  };
}

/**
 * The CustomResourceDefinition of a kind: all served versions with one schema, the status as a subresource. What the
 * schema cannot say, rules across fields, is left to the admission webhook (`reviewAdmission`).
 */
export function customResourceDefinition(kind: KindName): JsonSchema {
  const { group, versions, plural }: KindDefinition = KINDS[kind];
  const openAPIV3Schema = {
    type: "object",
    properties: {
      spec: toJsonSchema(schemaOf(kind), true),
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: "Namespaced",
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: { openAPIV3Schema },
      })),
    },
  };
}
