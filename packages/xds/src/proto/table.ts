import { descriptor } from "../../gen/descriptor.js";
import { XdsError } from "../xds-error.ts";

/** How one value of a field is written: the scalar types by name, `enum` and `message`. */
export type Kind =
  | "double"
  | "float"
  | "int32"
  | "uint32"
  | "sint32"
  | "fixed32"
  | "sfixed32"
  | "int64"
  | "uint64"
  | "sint64"
  | "fixed64"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes"
  | "enum"
  | "message";

export interface FieldTable {
  readonly number: number;
  /** lowerCamelCase, as protobuf JSON writes it. */
  readonly jsonName: string;
  readonly kind: Kind;
  /** Full name of the message or enum, else the scalar's name. */
  readonly type: string;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** The key of a map field. */
  readonly mapKey: Kind | undefined;
  /** Zero is a value: members of a oneof, `optional` fields and messages. */
  readonly presence: boolean;
  readonly oneof: string | undefined;
  /** The tag on the wire of one value (of the packed block for a packed field, of the entry for a map). */
  readonly tag: number;
}

export interface MessageTable {
  readonly name: string;
  /** By JSON name and by proto name. */
  readonly byName: ReadonlyMap<string, FieldTable>;
  readonly byNumber: ReadonlyMap<number, FieldTable>;
  readonly fields: readonly FieldTable[];
}

export interface EnumTable {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

const WIRE_TYPES: Record<Kind, number> = {
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  float: 5,
  fixed32: 5,
  sfixed32: 5,
  string: 2,
  bytes: 2,
  message: 2,
  int32: 0,
  uint32: 0,
  sint32: 0,
  int64: 0,
  uint64: 0,
  sint64: 0,
  bool: 0,
  enum: 0,
};

const messages = new Map<string, MessageTable>();
const enums = new Map<string, EnumTable>();

/** The wire type of a value of a kind. */
export function wireType(kind: Kind): number {
  return WIRE_TYPES[kind];
}

/** protoc's rule: underscores go, and the letter after one is upper case. */
export function jsonName(protoName: string): string {
  return protoName.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** Whether the codec knows the message. */
export function isKnownMessage(name: string): boolean {
  return Object.hasOwn(descriptor.messages, name);
}

/** Full names of all messages that the codec knows. */
export function messageNames(): readonly string[] {
  return Object.keys(descriptor.messages);
}

/** The fields of a message; made at first use. Throws `unknown-type`. */
export function messageTable(name: string): MessageTable {
  const found = messages.get(name);
  if (found) return found;
  if (!isKnownMessage(name)) throw new XdsError("unknown-type", `no message ${JSON.stringify(name)} in the Envoy API`);
  const byName = new Map<string, FieldTable>();
  const byNumber = new Map<number, FieldTable>();
  const fields: FieldTable[] = [];
  for (const [number, protoName, type, label = "", oneof] of descriptor.messages[name] ?? []) {
    const kind = kindOf(type);
    const repeated = label === "r" || label === "p";
    const packed = label === "r" && WIRE_TYPES[kind] !== 2;
    const mapKey = label.startsWith("m:") ? (label.slice(2) as Kind) : undefined;
    const wire = packed || mapKey !== undefined ? 2 : WIRE_TYPES[kind];
    const field: FieldTable = {
      number,
      jsonName: jsonName(protoName),
      kind,
      type,
      repeated,
      packed,
      mapKey,
      presence: label === "o" || (kind === "message" && !repeated && mapKey === undefined),
      oneof,
      tag: ((number << 3) | wire) >>> 0,
    };
    byName.set(protoName, field);
    byName.set(field.jsonName, field);
    byNumber.set(number, field);
    fields.push(field);
  }
  const table = { name, byName, byNumber, fields };
  messages.set(name, table);
  return table;
}

/** The values of an enum; made at first use. */
export function enumTable(name: string): EnumTable {
  const found = enums.get(name);
  if (found) return found;
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [key, value] of Object.entries(descriptor.enums[name] ?? {})) {
    numbers.set(key, value);
    if (!names.has(value)) names.set(value, key);
  }
  const table = { name, numbers, names };
  enums.set(name, table);
  return table;
}

function kindOf(type: string): Kind {
  if (Object.hasOwn(WIRE_TYPES, type)) return type as Kind;
  return Object.hasOwn(descriptor.enums, type) ? "enum" : "message";
}
