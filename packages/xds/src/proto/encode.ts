import { XdsError } from "../xds-error.ts";
import { ByteWriter } from "./byte-writer.ts";
import { asRecord, isDefault, takesNull } from "./json-value.ts";
import { type FieldWriter, type Shape, Shapes } from "./message-shape.ts";
import { found, readBytes } from "./scalar.ts";
import { enumReader, scalarWriter, type ValueWriter } from "./scalar-writer.ts";
import { type Kept, keptOf } from "./shared.ts";
import { type FieldTable, isKnownMessage, type Kind, messageTable, wireType } from "./table.ts";
import { messageNameOf } from "./type-url.ts";
import { WELL_KNOWN } from "./well-known.ts";

const ANY = "google.protobuf.Any";
const MAX_DEPTH = 100;

const output = new ByteWriter();
/** Whether bytes of shared parts are copied. */
let reuse = false;

/**
 * Writes the message of a JSON object straight to bytes. Fields go in the order of their numbers and map keys are sorted, so
 * that equal content gives equal bytes whatever the order of the keys. `immutable` promises that no part that is said to be
 * `shared` is ever written to: its bytes are kept and copied. Throws `XdsError` with the path.
 */
export function encodeJson(name: string, json: unknown, immutable = false): Uint8Array {
  output.reset();
  reuse = immutable;
  messageWriter(name)(json, output, 0);
  return output.finish();
}

const messageWriters = new Map<string, ValueWriter>();

/** Writes the fields of a message; made at first use. Throws `unknown-type`. */
function messageWriter(name: string): ValueWriter {
  const known = messageWriters.get(name);
  if (known) return known;
  const write = WELL_KNOWN.get(name)?.write ?? (name === ANY ? writeAny : fieldsWriter(name));
  messageWriters.set(name, write);
  return write;
}

function fieldsWriter(name: string): ValueWriter {
  const known = shapesOf(name);
  return (json, writer, depth) => {
    const record = asRecord(json);
    writeShape(known.of(record, undefined), record, writer, depth);
  };
}

const shapes = new Map<string, Shapes>();

function shapesOf(name: string): Shapes {
  let made = shapes.get(name);
  if (!made) {
    const { byName } = messageTable(name);
    const writers = new Map<FieldTable, FieldWriter>();
    made = new Shapes((key) => {
      const field = byName.get(key);
      if (field === undefined) throw new XdsError("unknown-field", `${name} has no such field`, { path: key });
      let writer = writers.get(field);
      if (!writer) {
        writer = { field, takesNull: takesNull(field), write: fieldWriter(field) };
        writers.set(field, writer);
      }
      return writer;
    });
    shapes.set(name, made);
  }
  return made;
}

/** How an `Any` of a known message is written. */
interface KnownAny {
  /** Its first field, as bytes. */
  readonly typeUrl: Uint8Array;
  readonly shapes: Shapes;
}

const knownAnys = new Map<string, KnownAny>();

/** Undefined for messages with a JSON form of their own and for unknown ones. */
function knownAny(typeUrl: string): KnownAny | undefined {
  const known = knownAnys.get(typeUrl);
  if (known) return known;
  const name = messageNameOf(typeUrl);
  if (name === ANY || WELL_KNOWN.has(name) || !isKnownMessage(name)) return undefined;
  const made = { typeUrl: new ByteWriter().uint32(10).string(typeUrl).finish(), shapes: shapesOf(name) };
  knownAnys.set(typeUrl, made);
  return made;
}

function writeAny(json: unknown, writer: ByteWriter, depth: number): void {
  const record = asRecord(json);
  const typeUrl = record["@type"];
  const known = typeof typeUrl === "string" ? knownAny(typeUrl) : undefined;
  if (!known) {
    writeOtherAny(record, writer, depth);
    return;
  }
  writer.raw(known.typeUrl);
  const shape = known.shapes.of(record, "@type");
  if (shape.keys.length > 0) {
    writer.uint32(18).fork();
    writeShape(shape, record, writer, depth + 1);
    writer.ldelim();
  }
}

/** One whose message has a JSON form of its own or is unknown, whose bytes are given then. */
function writeOtherAny(record: Record<string, unknown>, writer: ByteWriter, depth: number): void {
  const { "@type": typeUrl, value } = record;
  if (typeUrl === undefined && Object.keys(record).length === 0) return;
  if (typeof typeUrl !== "string")
    throw new XdsError("invalid-value", `expected a type URL, found ${found(typeUrl)}`, { path: "@type" });
  const name = messageNameOf(typeUrl);
  writer.uint32(10).string(typeUrl);
  if (name === ANY || WELL_KNOWN.has(name)) {
    writer.uint32(18).fork();
    messageWriter(name)(value ?? {}, writer, depth + 1);
    writer.ldelim();
    return;
  }
  const other = Object.keys(record).find((key) => key !== "@type" && key !== "value");
  if (other !== undefined)
    throw new XdsError(
      "unknown-type",
      `no message ${JSON.stringify(name)} in the Envoy API; give its bytes as "value"`,
      { path: "@type" },
    );
  const bytes = readBytes(value ?? "");
  if (bytes.length > 0) writer.uint32(18).bytes(bytes);
}

function writeShape(
  { keys, writers, shareOneof }: Shape,
  record: Record<string, unknown>,
  writer: ByteWriter,
  depth: number,
): void {
  if (depth > MAX_DEPTH) throw new XdsError("invalid-value", `nested deeper than ${MAX_DEPTH} levels`);
  if (shareOneof) checkOneofs(record, keys, writers);
  let index = 0;
  try {
    for (; index < writers.length; index++) {
      const field = writers[index] as FieldWriter;
      const value = record[keys[index] as string];
      if (value === undefined || (value === null && !field.takesNull)) continue;
      field.write(value, writer, depth);
    }
  } catch (error) {
    throw error instanceof XdsError ? error.within(keys[index] ?? "") : error;
  }
}

/** Throws when two fields of one oneof have values. */
function checkOneofs(record: Record<string, unknown>, keys: Shape["keys"], writers: Shape["writers"]): void {
  const set = new Set<string>();
  for (const [index, { field, takesNull }] of writers.entries()) {
    const key = keys[index] as string;
    const value = record[key];
    if (field.oneof === undefined || value === undefined || (value === null && !takesNull)) continue;
    if (set.has(field.oneof))
      throw new XdsError("conflicting-fields", `only one of ${field.oneof} may be set`, { path: key });
    set.add(field.oneof);
  }
}

function fieldWriter(field: FieldTable): FieldWriter["write"] {
  const { tag, kind, type, mapKey, packed } = field;
  const item = valueWriter(kind, type);
  if (mapKey !== undefined) return mapWriter(field, mapKey, item);
  if (field.repeated)
    return packed
      ? (value, writer, depth) => writePacked(tag, item, value, writer, depth)
      : kind === "message"
        ? (value, writer, depth) => writeMessages(tag, item, value, writer, depth)
        : (value, writer, depth) => writeList(tag, item, value, writer, depth);
  if (field.presence)
    return (value, writer, depth) => {
      writer.uint32(tag);
      item(value, writer, depth);
    };
  if (kind === "enum") {
    const read = enumReader(type);
    return (value, writer) => {
      const number = read(value);
      if (number !== 0) writer.uint32(tag).int32(number);
    };
  }
  return (value, writer, depth) => {
    if (isDefault(field, value)) return;
    writer.uint32(tag);
    item(value, writer, depth);
  };
}

function valueWriter(kind: Kind, type: string): ValueWriter {
  if (kind !== "message") return scalarWriter(kind, type);
  let write: ValueWriter | undefined;
  return (value, writer, depth) => {
    if (depth >= MAX_DEPTH) throw new XdsError("invalid-value", `nested deeper than ${MAX_DEPTH} levels`);
    // Not before: messages contain themselves.
    write ??= messageWriter(type);
    const kept = reuse ? keptOf(value) : undefined;
    if (kept?.bytes && kept.writer === write) {
      writer.bytes(kept.bytes);
      return;
    }
    writer.fork();
    const start = writer.position;
    write(value, writer, depth + 1);
    if (kept) keep(kept, write, start, writer);
    writer.ldelim();
  };
}

/** Bytes are kept from the second time on: most parts of a mesh that is seen for the first time are met once. */
function keep(kept: Kept, by: ValueWriter, start: number, writer: ByteWriter): void {
  if (kept.writer === by) kept.bytes = writer.since(start);
  else if (!kept.bytes) kept.writer = by;
}

function writeList(tag: number, item: ValueWriter, value: unknown, writer: ByteWriter, depth: number): void {
  if (!Array.isArray(value)) throw new XdsError("invalid-value", `expected a list, found ${found(value)}`);
  let index = 0;
  try {
    for (; index < value.length; index++) {
      writer.uint32(tag);
      item(value[index], writer, depth);
    }
  } catch (error) {
    throw error instanceof XdsError ? error.within(`[${index}]`) : error;
  }
}

function writeMessages(tag: number, item: ValueWriter, value: unknown, writer: ByteWriter, depth: number): void {
  const kept = reuse ? keptOf(value) : undefined;
  if (kept?.bytes && kept.writer === item) {
    writer.raw(kept.bytes);
    return;
  }
  const start = writer.position;
  writeList(tag, item, value, writer, depth);
  if (kept) keep(kept, item, start, writer);
}

function writePacked(tag: number, item: ValueWriter, value: unknown, writer: ByteWriter, depth: number): void {
  if (!Array.isArray(value)) throw new XdsError("invalid-value", `expected a list, found ${found(value)}`);
  if (value.length === 0) return;
  writer.uint32(tag).fork();
  let index = 0;
  try {
    for (; index < value.length; index++) item(value[index], writer, depth);
  } catch (error) {
    throw error instanceof XdsError ? error.within(`[${index}]`) : error;
  }
  writer.ldelim();
}

function mapWriter({ tag, kind }: FieldTable, keyKind: Kind, item: ValueWriter): FieldWriter["write"] {
  const keyTag = (1 << 3) | wireType(keyKind);
  const itemTag = (2 << 3) | wireType(kind);
  const writeKey = scalarWriter(keyKind, "");
  return (value, writer, depth) => {
    const record = asRecord(value);
    const keys = Object.keys(record);
    if (keys.length > 1) keys.sort();
    for (const key of keys) {
      const one = record[key];
      if (one === undefined) continue;
      try {
        writer.uint32(tag).fork().uint32(keyTag);
        writeKey(keyKind === "bool" ? key === "true" : key, writer, depth);
        writer.uint32(itemTag);
        item(one, writer, depth);
        writer.ldelim();
      } catch (error) {
        throw error instanceof XdsError ? error.within(key) : error;
      }
    }
  };
}
