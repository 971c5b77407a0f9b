import type { PathSegment } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import { isStruct, messageInfo, type Schema } from "./message.ts";

/** Enum values whose number is not their place in the list. */
const NUMBERS: Readonly<Record<string, number>> = { ALLOW_ANY_DYNAMIC_DNS: 3, INHERIT: 1000 };

/**
 * Reads what protobuf JSON allows besides the canonical form: the proto names of fields (`access_log_file`), numbers of
 * enum values, numbers as strings, null for absent. `unknown` is told of each field that there is not, which is left out.
 * The API server allows none of this in objects; mesh configuration does. Source: protobuf "ProtoJSON format".
 */
export function canonicalJson(
  schema: Schema,
  value: unknown,
  unknown: (path: readonly PathSegment[], fields: readonly string[]) => void,
  path: readonly PathSegment[] = [],
): unknown {
  const info = messageInfo(schema);
  if (info) {
    if (!isRecord(value)) return value;
    const entries: [string, unknown][] = [];
    for (const [key, item] of Object.entries(value)) {
      const name = jsonName(key, info.fields);
      const field = name === undefined ? undefined : info.fields[name];
      if (name === undefined || field === undefined) unknown([...path, key], Object.keys(info.fields));
      else if (item !== null) entries.push([name, canonicalJson(field.schema, item, unknown, [...path, key])]);
    }
    return Object.fromEntries(entries);
  }
  const { def } = schema._zod as { def: { type: string; element?: Schema; valueType?: Schema; entries?: object } };
  if (def.element && Array.isArray(value)) {
    const { element } = def;
    return value.map((item, index) => canonicalJson(element, item ?? zero(element), unknown, [...path, index]));
  }
  if (def.valueType && isRecord(value) && !isStruct(schema)) {
    const { valueType } = def;
    const entries = Object.entries(value).map(([key, item]) => [
      key,
      canonicalJson(valueType, item ?? zero(valueType), unknown, [...path, key]),
    ]);
    return Object.fromEntries(entries);
  }
  if (def.type === "number" && typeof value === "string" && /^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value))
    return Number(value);
  if (def.type === "enum" && typeof value === "number") {
    const names = Object.keys(def.entries ?? {});
    return names.find((name, index) => (NUMBERS[name] ?? index) === value) ?? value;
  }
  return value;
}

/** What null stands for in a list or as a value of a map. */
function zero(schema: Schema): unknown {
  if (messageInfo(schema)) return {};
  const { type, entries } = schema._zod.def as { type: string; entries?: object };
  if (entries) return Object.keys(entries)[0];
  return type === "number" ? 0 : type === "boolean" ? false : "";
}

function jsonName(key: string, fields: object): string | undefined {
  if (Object.hasOwn(fields, key)) return key;
  const name = key.replace(/_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(fields, name) ? name : undefined;
}
