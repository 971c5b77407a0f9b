import type { PathSegment } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import { isStruct, type MessageInfo, messageInfo, type Schema } from "./message.ts";

/** Enum values whose number is not their place in the list. */
const NUMBERS: Readonly<Record<string, number>> = { ALLOW_ANY_DYNAMIC_DNS: 3, INHERIT: 1000 };

/** What is told of a document that is read leniently; paths name fields as they are written. */
export interface LeniencyReport {
  /** There is no such field among `fields`; it is left out. */
  unknown(path: readonly PathSegment[], fields: readonly string[]): void;
  /** Of the fields of a oneof a later one, `winner`, counts. The value is left out, though it must be well-formed. */
  overruled(path: readonly PathSegment[], winner: string, schema: Schema, value: unknown): void;
  /** No value of the enum has this number; it is left out. */
  unnamed(path: readonly PathSegment[], value: number, names: readonly string[]): void;
}

/**
 * Reads what protobuf JSON allows besides the canonical form: the proto names of fields (`access_log_file`), numbers of
 * enum values, also of none, numbers as strings, null for absent, several fields of a oneof, of which the one that the
 * message declares last counts. The API server allows none of this in objects; mesh configuration does.
 * Source: protobuf "ProtoJSON format"; for oneofs, Go's `jsonpb`, which istiod reads with.
 */
export function canonicalJson(
  schema: Schema,
  value: unknown,
  report: LeniencyReport,
  path: readonly PathSegment[] = [],
): unknown {
  const info = messageInfo(schema);
  if (info) return isRecord(value) ? canonicalFields(info, value, report, path) : value;
  const { def } = schema._zod as { def: { type: string; element?: Schema; valueType?: Schema; entries?: object } };
  if (def.element && Array.isArray(value)) {
    const { element } = def;
    return value.flatMap((item, index) => {
      const read = canonicalJson(element, item ?? zero(element), report, [...path, index]);
      return isNamed(element, read, report, [...path, index]) ? [read] : [];
    });
  }
  if (def.valueType && isRecord(value) && !isStruct(schema)) {
    const { valueType } = def;
    const entries = Object.entries(value).map(([key, item]) => [
      key,
      canonicalJson(valueType, item ?? zero(valueType), report, [...path, key]),
    ]);
    return Object.fromEntries(entries);
  }
  if (def.type === "number" && typeof value === "string" && /^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value))
    return Number(value);
  if (def.type === "enum" && typeof value === "number") return enumName(Object.keys(def.entries ?? {}), value);
  return value;
}

function canonicalFields(
  { fields, oneofs }: MessageInfo,
  value: Readonly<Record<string, unknown>>,
  report: LeniencyReport,
  path: readonly PathSegment[],
): Record<string, unknown> {
  const found = new Map<string, { readonly at: readonly PathSegment[]; readonly item: unknown }>();
  for (const [key, item] of Object.entries(value)) {
    const name = jsonName(key, fields);
    const field = name === undefined ? undefined : fields[name];
    const at = [...path, key];
    if (name === undefined || field === undefined) report.unknown(at, Object.keys(fields));
    else if (item !== null) found.set(name, { at, item: canonicalJson(field.schema, item, report, at) });
  }
  for (const group of oneofs) {
    const set = group.filter((name) => found.has(name));
    const winner = set.pop();
    for (const name of set) {
      const { at, item } = found.get(name) ?? { at: path, item: undefined };
      const field = fields[name];
      if (winner !== undefined && field) report.overruled(at, winner, field.schema, item);
      found.delete(name);
    }
  }
  const named = [...found].filter(([name, { at, item }]) => isNamed(fields[name]?.schema, item, report, at));
  return Object.fromEntries(named.map(([name, { item }]) => [name, item]));
}

/** False, and told, for a number that is no value of an enum. */
function isNamed(schema: Schema | undefined, value: unknown, report: LeniencyReport, path: readonly PathSegment[]) {
  const { type, entries } = (schema?._zod.def ?? {}) as { type?: string; entries?: object };
  if (type !== "enum" || typeof value !== "number" || !isInt32(value)) return true;
  report.unnamed(path, value, Object.keys(entries ?? {}));
  return false;
}

function enumName(names: readonly string[], value: number): string | number {
  return names.find((name, index) => (NUMBERS[name] ?? index) === value) ?? value;
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31;
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
