import { type FieldTable, isKnownMessage, messageTable } from "../../proto/table.ts";
import type { AnyMessage } from "../../proto/types.ts";
import type { Provenance } from "../generated.ts";

type Json = Record<string, unknown>;

/** Messages that protobuf JSON writes as one value: they are replaced as a whole. */
const WHOLE = /^google\.protobuf\.(Duration|Timestamp|FieldMask|Value|ListValue|Any|.*Value)$/;

/**
 * Merges `patch` into `base` as protobuf does: set fields replace, messages merge, lists are appended to (or replaced),
 * map entries are replaced, a oneof keeps the member set last. Neither is changed; what the patch does not touch stays
 * the same object.
 */
export function mergeMessage<T extends object>(type: string, base: T, patch: object, replaceLists = false): T {
  const { byName, fields } = messageTable(type);
  const result: Json = { ...(base as Json) };
  for (const [key, value] of Object.entries(patch)) {
    const field = byName.get(key);
    if (!field || value === undefined) continue;
    if (field.oneof !== undefined)
      for (const other of fields)
        if (other.oneof === field.oneof && other.jsonName !== field.jsonName) delete result[other.jsonName];
    result[field.jsonName] = mergeField(field, result[field.jsonName], value, replaceLists);
  }
  return result as T;
}

function mergeField(field: FieldTable, base: unknown, patch: unknown, replaceLists: boolean): unknown {
  if (base === undefined) return patch;
  if (field.mapKey !== undefined) return { ...(base as Json), ...(patch as Json) };
  if (field.repeated) return replaceLists ? patch : [...(base as unknown[]), ...(patch as unknown[])];
  if (field.kind !== "message" || WHOLE.test(field.type)) return patch;
  if (field.type === "google.protobuf.Struct") return { ...(base as Json), ...(patch as Json) };
  return mergeMessage(field.type, base as Json, patch as Json, replaceLists);
}

/** Merges two `Any`s of one type; undefined when the types are not the same or not known. */
export function mergeTyped(base: AnyMessage, patch: AnyMessage): AnyMessage | undefined {
  const type = base["@type"];
  const name = type.slice(type.lastIndexOf("/") + 1);
  if (patch["@type"] !== type || !isKnownMessage(name)) return undefined;
  const { "@type": _, ...fields } = patch;
  return mergeMessage(name, base, fields);
}

/** What a node was made from, said of the node that takes its place. */
export function keepSource(provenance: Provenance | undefined, before: object, after: object): void {
  const source = provenance?.get(before);
  if (source && before !== after) provenance?.set(after, source);
}
