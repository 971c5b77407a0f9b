import { ConfigError } from "../common/config-error.ts";
import { KINDS, type KindDefinition, type KindName, MESH_SCHEMAS, type MeshDocumentName } from "../kinds.ts";
import { isStruct, messageInfo, type Schema } from "./message.ts";

/** The schema of a kind's spec, or of a mesh document. Throws ConfigError `UNKNOWN_KIND`. */
export function schemaOf(kind: KindName | MeshDocumentName): Schema {
  if (Object.hasOwn(KINDS, kind)) return (KINDS[kind as KindName] as KindDefinition).schema;
  if (Object.hasOwn(MESH_SCHEMAS, kind)) return MESH_SCHEMAS[kind as MeshDocumentName];
  throw new ConfigError("UNKNOWN_KIND", `no configuration kind is called ${kind}`);
}

/**
 * Every leaf field of a kind (or of a schema), relative to its spec: lists as `[]`, maps as `{}`: `http[].match[].headers{}.exact`. Tests
 * use it to prove that each field is translated or reported.
 */
export function fieldPaths(kind: KindName | MeshDocumentName | Schema): readonly string[] {
  const paths: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    const info = messageInfo(schema);
    if (info) {
      const fields = Object.entries(info.fields);
      for (const [name, field] of fields) visit(field.schema, path === "" ? name : `${path}.${name}`);
      // A message without fields says something by being there.
      if (fields.length === 0) paths.push(path);
      return;
    }
    const { element, valueType } = schema._zod.def as { element?: Schema; valueType?: Schema };
    if (element) visit(element, `${path}[]`);
    else if (valueType && !isStruct(schema)) visit(valueType, `${path}{}`);
    else paths.push(path);
  };
  visit(typeof kind === "string" ? schemaOf(kind) : kind, "");
  return paths;
}
