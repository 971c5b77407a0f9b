import { XdsError } from "../xds-error.ts";
import { found, printFloat, readFloat } from "./scalar.ts";
import type { WireReader as Reader, WireWriter as Writer } from "./wire.ts";

/** Reads the fields of a small message: `field` gets the number and must consume the value. */
export function eachField(reader: Reader, end: number, field: (number: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!field(tag >>> 3)) reader.skipType(tag & 7);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

export function writeValue(value: unknown, writer: Writer, depth: number): void {
  if (depth > 100) throw new XdsError("invalid-value", "nested deeper than 100 levels");
  if (value === null) writer.uint32(8).int32(0);
  else if (typeof value === "number") writer.uint32(17).double(readFloat("double", value));
  else if (typeof value === "string") writer.uint32(26).string(value);
  else if (typeof value === "boolean") writer.uint32(32).bool(value);
  else if (Array.isArray(value)) {
    writer.uint32(50).fork();
    writeList(value, writer, depth + 1);
    writer.ldelim();
  } else if (isRecord(value)) {
    writer.uint32(42).fork();
    writeStruct(value, writer, depth + 1);
    writer.ldelim();
  } else throw new XdsError("invalid-value", `expected plain JSON, found ${found(value)}`);
}

export function writeStruct(value: unknown, writer: Writer, depth: number): void {
  if (!isRecord(value)) throw new XdsError("invalid-value", `expected an object, found ${found(value)}`);
  for (const key of Object.keys(value).sort()) {
    if (value[key] === undefined) continue;
    writer.uint32(10).fork().uint32(10).string(key).uint32(18).fork();
    try {
      writeValue(value[key], writer, depth);
    } catch (error) {
      throw error instanceof XdsError ? error.within(key) : error;
    }
    writer.ldelim().ldelim();
  }
}

export function writeList(value: unknown, writer: Writer, depth: number): void {
  if (!Array.isArray(value)) throw new XdsError("invalid-value", `expected a list, found ${found(value)}`);
  for (const [index, item] of value.entries()) {
    writer.uint32(10).fork();
    try {
      writeValue(item, writer, depth);
    } catch (error) {
      throw error instanceof XdsError ? error.within(`[${index}]`) : error;
    }
    writer.ldelim();
  }
}

export function readValue(reader: Reader, end: number, depth: number): unknown {
  if (depth > 100) throw new XdsError("malformed", "nested deeper than 100 levels");
  let value: unknown = null;
  eachField(reader, end, (number) => {
    if (number === 1)
      reader.int32(); // null
    else if (number === 2) value = printFloat("double", reader.double());
    else if (number === 3) value = reader.string();
    else if (number === 4) value = reader.bool();
    else if (number === 5) value = readStruct(reader, reader.uint32() + reader.pos, depth + 1);
    else if (number === 6) value = readList(reader, reader.uint32() + reader.pos, depth + 1);
    else return false;
    return true;
  });
  return value;
}

export function readStruct(reader: Reader, end: number, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  eachField(reader, end, (number) => {
    if (number !== 1) return false;
    const entryEnd = reader.uint32() + reader.pos;
    let key = "";
    let value: unknown = null;
    eachField(reader, entryEnd, (part) => {
      if (part === 1) key = reader.string();
      else if (part === 2) value = readValue(reader, reader.uint32() + reader.pos, depth);
      return part === 1 || part === 2;
    });
    setOwn(result, key, value);
    return true;
  });
  return result;
}

export function readList(reader: Reader, end: number, depth: number): unknown[] {
  const result: unknown[] = [];
  eachField(reader, end, (number) => {
    if (number === 1) result.push(readValue(reader, reader.uint32() + reader.pos, depth));
    return number === 1;
  });
  return result;
}

/** Sets a key that came from outside: `__proto__` becomes an ordinary property. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
