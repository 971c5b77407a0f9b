import type { Descriptor, FieldRow } from "./descriptor-shape.d.ts";
import { interfaceNames } from "./names.ts";

/** Well-known types as protobuf JSON writes them. */
const WELL_KNOWN: Record<string, string> = {
  "google.protobuf.Any": "AnyMessage",
  "google.protobuf.Duration": "Duration",
  "google.protobuf.Timestamp": "string",
  "google.protobuf.FieldMask": "string",
  "google.protobuf.Empty": "Record<string, never>",
  "google.protobuf.Struct": "Struct",
  "google.protobuf.Value": "unknown",
  "google.protobuf.ListValue": "unknown[]",
  "google.protobuf.NullValue": "null",
  "google.protobuf.BoolValue": "boolean",
  "google.protobuf.StringValue": "string",
  "google.protobuf.BytesValue": "Bytes",
  "google.protobuf.Int32Value": "number",
  "google.protobuf.UInt32Value": "number",
  "google.protobuf.Int64Value": "Int64",
  "google.protobuf.UInt64Value": "Int64",
  "google.protobuf.FloatValue": "number",
  "google.protobuf.DoubleValue": "number",
};

const HEADER = `// Made by packages/xds/scripts/generate.ts: the Envoy API in the protobuf-JSON shape. Not edited, not committed.

/** A message of any type, beside its type URL \`type.googleapis.com/FULL.NAME\`. A type unknown to the codec has \`value\`, in base64. */
export interface AnyMessage {
  "@type": string;
  [field: string]: unknown;
}
/** Seconds with up to nine fractional digits and an \`s\`: \`"5s"\`, \`"0.250s"\`. */
export type Duration = string;
/** Base64. */
export type Bytes = string;
/** A safe integer, or decimal digits. */
export type Int64 = number | string;
/** Plain JSON. */
export type Struct = Record<string, unknown>;
`;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** protoc's rule: underscores go, and the letter after one is upper case. */
export function jsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

function scalar(type: string): string | undefined {
  if (type === "string") return "string";
  if (type === "bool") return "boolean";
  if (type === "bytes") return "Bytes";
  if (/^(double|float|u?int32|sint32|s?fixed32)$/.test(type)) return "number";
  if (/^(u?int64|sint64|s?fixed64)$/.test(type)) return "Int64";
  return undefined;
}

/** The text of `envoy.d.ts`: one interface a message, one union of string literals an enum. */
export function declare(descriptor: Descriptor): string {
  const messages = Object.keys(descriptor.messages).filter((name) => !name.startsWith("google.protobuf."));
  const enums = Object.keys(descriptor.enums).filter((name) => !name.startsWith("google.protobuf."));
  const names = interfaceNames([...messages, ...enums]);
  const typeOf = ([, , type, label = ""]: FieldRow): string => {
    const one = scalar(type) ?? WELL_KNOWN[type] ?? names.get(type);
    if (one === undefined) throw new Error(`no TypeScript type for ${type}`);
    if (label.startsWith("m:")) return `Record<string, ${one}>`;
    return label === "r" || label === "p" ? `${one}[]` : one;
  };
  const lines = [HEADER];
  for (const name of enums) {
    const values = Object.keys(descriptor.enums[name] ?? {}).map((value) => JSON.stringify(value));
    lines.push(`/** ${name} */`, `export type ${names.get(name)} = ${values.join(" | ") || "never"};`);
  }
  for (const name of messages) {
    const fields = descriptor.messages[name] ?? [];
    lines.push(`/** ${name} */`, `export interface ${names.get(name)} {`);
    for (const field of fields) {
      const key = jsonName(field[1]);
      const oneof = field[4] === undefined ? "" : `/** One of \`${field[4]}\`. */ `;
      lines.push(`  ${oneof}${IDENTIFIER.test(key) ? key : JSON.stringify(key)}?: ${typeOf(field)};`);
    }
    lines.push("}");
  }
  // Full names to interfaces, for typed \`encode\` and \`decode\`.
  lines.push("/** Every message by its full name. */", "export interface EnvoyMessages {");
  for (const name of messages) lines.push(`  ${JSON.stringify(name)}: ${names.get(name)};`);
  lines.push("}", "");
  return lines.join("\n");
}
