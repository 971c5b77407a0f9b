import protobuf from "protobufjs/minimal.js";
import { XdsError } from "../xds-error.ts";
import { printBytes, printEnum, printFloat } from "./scalar.ts";
import { setOwn } from "./struct.ts";
import { type FieldTable, isKnownMessage, type Kind, type MessageTable, messageTable, wireType } from "./table.ts";
import { messageNameOf } from "./type-url.ts";
import { WELL_KNOWN } from "./well-known.ts";

type Reader = protobuf.Reader;
type Json = Record<string, unknown>;

const ANY = "google.protobuf.Any";
const MAX_DEPTH = 100;

/**
 * The canonical JSON of a message. Messages inside an `Any` are resolved, those of an unknown type kept as base64; fields that
 * the tables do not know are dropped. Throws `XdsError` (`malformed`).
 */
export function decodeBytes(name: string, bytes: Uint8Array): unknown {
  const reader = protobuf.Reader.create(bytes);
  try {
    return readMessage(name, reader, reader.len, undefined, 0);
  } catch (error) {
    if (error instanceof XdsError) throw error;
    throw new XdsError("malformed", `not a ${name}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function readMessage(name: string, reader: Reader, end: number, into: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new XdsError("malformed", `nested deeper than ${MAX_DEPTH} levels`);
  if (end > reader.len) throw new XdsError("malformed", `${name} is cut short`);
  if (name === ANY) return readAny(reader, end, depth);
  const wellKnown = WELL_KNOWN.get(name);
  if (wellKnown) return wellKnown.read(reader, end);
  return readFields(messageTable(name), reader, end, isJson(into) ? into : {}, depth);
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readAny(reader: Reader, end: number, depth: number): Json {
  let typeUrl = "";
  let bytes: Uint8Array = new Uint8Array();
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) typeUrl = reader.string();
    else if (tag >>> 3 === 2) bytes = reader.bytes();
    else reader.skipType(tag & 7);
  }
  if (typeUrl === "" && bytes.length === 0) return {};
  const name = messageNameOf(typeUrl);
  const result: Json = { "@type": typeUrl };
  if (name === ANY || WELL_KNOWN.has(name))
    result.value = readMessage(name, protobuf.Reader.create(bytes), bytes.length, undefined, depth + 1);
  else if (isKnownMessage(name))
    readFields(messageTable(name), protobuf.Reader.create(bytes), bytes.length, result, depth + 1);
  else if (bytes.length > 0) result.value = printBytes(bytes);
  return result;
}

function readFields(table: MessageTable, reader: Reader, end: number, result: Json, depth: number): Json {
  if (depth > MAX_DEPTH) throw new XdsError("malformed", `nested deeper than ${MAX_DEPTH} levels`);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const wire = tag & 7;
    const field = table.byNumber.get(tag >>> 3);
    if (field === undefined || !fits(field, wire)) {
      reader.skipType(wire);
      continue;
    }
    try {
      readField(field, wire, reader, result, depth);
    } catch (error) {
      throw error instanceof XdsError ? error.within(field.jsonName) : error;
    }
  }
  if (reader.pos !== end) throw new XdsError("malformed", `${table.name} is cut short`);
  return result;
}

function fits(field: FieldTable, wire: number): boolean {
  if (field.mapKey !== undefined) return wire === 2;
  return wire === wireType(field.kind) || (field.repeated && wire === 2);
}

function readField(field: FieldTable, wire: number, reader: Reader, result: Json, depth: number): void {
  const key = field.jsonName;
  if (field.mapKey !== undefined) {
    result[key] ??= {};
    readEntry(field, field.mapKey, reader, result[key] as Json, depth);
  } else if (field.repeated) {
    result[key] ??= [];
    const list = result[key] as unknown[];
    if (wire === 2 && wireType(field.kind) !== 2) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) list.push(readScalar(field.kind, field.type, reader));
    } else list.push(readValue(field, reader, undefined, depth));
  } else {
    const value = readValue(field, reader, result[key], depth);
    if (field.presence || !isZero(value, field)) result[key] = value;
    else delete result[key];
  }
}

/** Senders may write a default that the JSON leaves out. */
function isZero(value: unknown, field: FieldTable): boolean {
  if (field.kind === "enum") return value === printEnum(field.type, 0);
  return value === false || value === "" || Object.is(value, 0) || (value === "0" && field.kind !== "string");
}

function readEntry(field: FieldTable, keyKind: Kind, reader: Reader, map: Json, depth: number): void {
  const end = reader.uint32() + reader.pos;
  let key = keyKind === "string" ? "" : keyKind === "bool" ? "false" : "0";
  let value: unknown;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) key = String(readScalar(keyKind, "", reader));
    else if (tag >>> 3 === 2) value = readValue(field, reader, undefined, depth);
    else reader.skipType(tag & 7);
  }
  setOwn(map, key, value ?? zeroOf(field, depth));
}

/** The value of a map entry that was not written. */
function zeroOf(field: FieldTable, depth: number): unknown {
  switch (field.kind) {
    case "message":
      return readMessage(field.type, protobuf.Reader.create(new Uint8Array()), 0, undefined, depth + 1);
    case "enum":
      return printEnum(field.type, 0);
    case "bool":
      return false;
    case "string":
    case "bytes":
      return "";
    default:
      return /64$/.test(field.kind) ? "0" : 0;
  }
}

function readValue(field: FieldTable, reader: Reader, previous: unknown, depth: number): unknown {
  if (field.kind !== "message") return readScalar(field.kind, field.type, reader);
  const end = reader.uint32() + reader.pos;
  return readMessage(field.type, reader, end, previous, depth + 1);
}

function readScalar(kind: Kind, type: string, reader: Reader): unknown {
  switch (kind) {
    case "string":
      return reader.string();
    case "bool":
      return reader.bool();
    case "bytes":
      return printBytes(reader.bytes());
    case "enum":
      return printEnum(type, reader.int32());
    case "float":
    case "double":
      return printFloat(kind, reader[kind]());
    case "int32":
    case "uint32":
    case "sint32":
    case "fixed32":
    case "sfixed32":
      return reader[kind]();
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return String(reader[kind]());
    default:
      throw new XdsError("malformed", `${kind} is not a scalar`);
  }
}
