import protobuf from "protobufjs/minimal.js";
import { XdsError } from "../xds-error.ts";
import { asRecord, isDefault, takesNull } from "./json-value.ts";
import { found, readBool, readBytes, readEnum, readFloat, readInt, readInt64, readString, toBits } from "./scalar.ts";
import { type FieldTable, isKnownMessage, type Kind, type MessageTable, messageTable, wireType } from "./table.ts";
import { messageNameOf } from "./type-url.ts";
import { WELL_KNOWN } from "./well-known.ts";

type Writer = protobuf.Writer;

const ANY = "google.protobuf.Any";
const MAX_DEPTH = 100;

/**
 * Writes the message of a JSON object straight to bytes. Fields go in the order of their numbers and map keys are sorted, so
 * that equal content gives equal bytes whatever the order of the keys. Throws `XdsError` with the path.
 */
export function encodeJson(name: string, json: unknown): Uint8Array {
  const writer = protobuf.Writer.create();
  writeMessage(name, json, writer, 0);
  return writer.finish();
}

function writeMessage(name: string, json: unknown, writer: Writer, depth: number): void {
  if (depth > MAX_DEPTH) throw new XdsError("invalid-value", `nested deeper than ${MAX_DEPTH} levels`);
  const wellKnown = WELL_KNOWN.get(name);
  if (wellKnown) wellKnown.write(json, writer);
  else if (name === ANY) writeAny(json, writer, depth);
  else writeFields(messageTable(name), json, writer, depth, false);
}

function writeAny(json: unknown, writer: Writer, depth: number): void {
  const { "@type": typeUrl, value } = asRecord(json);
  if (typeUrl === undefined && Object.keys(asRecord(json)).length === 0) return;
  if (typeof typeUrl !== "string")
    throw new XdsError("invalid-value", `expected a type URL, found ${found(typeUrl)}`, { path: "@type" });
  const name = messageNameOf(typeUrl);
  writer.uint32(10).string(typeUrl);
  if (name === ANY || WELL_KNOWN.has(name)) {
    writer.uint32(18).fork();
    writeMessage(name, value ?? {}, writer, depth + 1);
    writer.ldelim();
  } else if (isKnownMessage(name)) {
    if (Object.keys(asRecord(json)).length === 1) return;
    writer.uint32(18).fork();
    writeFields(messageTable(name), json, writer, depth + 1, true);
    writer.ldelim();
  } else {
    const other = Object.keys(asRecord(json)).find((key) => key !== "@type" && key !== "value");
    if (other !== undefined)
      throw new XdsError(
        "unknown-type",
        `no message ${JSON.stringify(name)} in the Envoy API; give its bytes as "value"`,
        {
          path: "@type",
        },
      );
    const bytes = readBytes(value ?? "");
    if (bytes.length > 0) writer.uint32(18).bytes(bytes);
  }
}

/** The object, or an error that says what it is instead. */
function writeFields(table: MessageTable, json: unknown, writer: Writer, depth: number, inAny: boolean): void {
  const record = asRecord(json);
  const keys: string[] = [];
  const fields: FieldTable[] = [];
  for (const key of Object.keys(record)) {
    const field = table.byName.get(key);
    if (field === undefined) {
      if (inAny && key === "@type") continue;
      throw new XdsError("unknown-field", `${table.name} has no such field`, { path: key });
    }
    // Insertion sort: objects have few keys, and those that generators make are nearly in order.
    let at = fields.length;
    while (at > 0 && (fields[at - 1] as FieldTable).number >= field.number) at--;
    if (at === fields.length) {
      keys.push(key);
      fields.push(field);
    } else if (fields[at] === field)
      throw new XdsError("invalid-value", `given twice, as ${keys[at]} too`, { path: key });
    else {
      keys.splice(at, 0, key);
      fields.splice(at, 0, field);
    }
  }
  writeSorted(fields, keys, record, writer, depth);
}

function writeSorted(
  fields: readonly FieldTable[],
  keys: readonly string[],
  record: Record<string, unknown>,
  writer: Writer,
  depth: number,
): void {
  let index = 0;
  let oneofs: string[] | undefined;
  try {
    for (; index < fields.length; index++) {
      const field = fields[index] as FieldTable;
      const value = record[keys[index] as string];
      if (value === undefined || (value === null && !takesNull(field))) continue;
      if (field.oneof !== undefined) {
        oneofs ??= [];
        if (oneofs.includes(field.oneof)) throw new XdsError("invalid-value", `only one of ${field.oneof} may be set`);
        oneofs.push(field.oneof);
      }
      writeField(field, value, writer, depth);
    }
  } catch (error) {
    throw error instanceof XdsError ? error.within(keys[index] ?? "") : error;
  }
}

function writeField(field: FieldTable, value: unknown, writer: Writer, depth: number): void {
  if (field.mapKey !== undefined) writeMap(field, field.mapKey, value, writer, depth);
  else if (field.repeated) writeList(field, value, writer, depth);
  else if (field.presence || !isDefault(field, value)) {
    writer.uint32(field.tag);
    writeValue(field, value, writer, depth);
  }
}

function writeList(field: FieldTable, value: unknown, writer: Writer, depth: number): void {
  if (!Array.isArray(value)) throw new XdsError("invalid-value", `expected a list, found ${found(value)}`);
  if (value.length === 0) return;
  if (field.packed) writer.uint32(field.tag).fork();
  let index = 0;
  try {
    for (; index < value.length; index++) {
      if (!field.packed) writer.uint32(field.tag);
      writeValue(field, value[index], writer, depth);
    }
  } catch (error) {
    throw error instanceof XdsError ? error.within(`[${index}]`) : error;
  }
  if (field.packed) writer.ldelim();
}

function writeMap(field: FieldTable, keyKind: Kind, value: unknown, writer: Writer, depth: number): void {
  const record = asRecord(value);
  const keys = Object.keys(record);
  if (keys.length > 1) keys.sort();
  for (const key of keys) {
    const item = record[key];
    if (item === undefined) continue;
    try {
      writer.uint32(field.tag).fork();
      writer.uint32((1 << 3) | wireType(keyKind));
      writeScalar(keyKind, "", keyKind === "bool" ? key === "true" : key, writer);
      writer.uint32((2 << 3) | wireType(field.kind));
      writeValue(field, item, writer, depth);
      writer.ldelim();
    } catch (error) {
      throw error instanceof XdsError ? error.within(key) : error;
    }
  }
}

function writeValue(field: FieldTable, value: unknown, writer: Writer, depth: number): void {
  if (field.kind === "message") {
    writer.fork();
    writeMessage(field.type, value, writer, depth + 1);
    writer.ldelim();
  } else writeScalar(field.kind, field.type, value, writer);
}

function writeScalar(kind: Exclude<Kind, "message"> | Kind, type: string, value: unknown, writer: Writer): void {
  switch (kind) {
    case "string":
      writer.string(readString(value));
      return;
    case "bool":
      writer.bool(readBool(value));
      return;
    case "enum":
      writer.int32(readEnum(type, value));
      return;
    case "bytes":
      writer.bytes(readBytes(value));
      return;
    case "float":
    case "double":
      writer[kind](readFloat(kind, value));
      return;
    case "int32":
    case "uint32":
    case "sint32":
    case "fixed32":
    case "sfixed32":
      writer[kind](readInt(kind, value));
      return;
    case "int64":
    case "sint64":
    case "sfixed64":
      writer[kind](toBits(readInt64(false, value), false));
      return;
    case "uint64":
    case "fixed64":
      writer[kind](toBits(readInt64(true, value), true));
      return;
    default:
      throw new XdsError("invalid-value", `${kind} is not a scalar`);
  }
}
