import { formatDuration, parseDuration } from "@fairlead/config";
import { XdsError } from "../xds-error.ts";
import {
  bitsOf,
  found,
  printBytes,
  printFloat,
  readBool,
  readBytes,
  readFloat,
  readInt,
  readString,
} from "./scalar.ts";
import { eachField, isRecord, readList, readStruct, readValue, writeList, writeStruct, writeValue } from "./struct.ts";
import type { WireReader as Reader, WireWriter as Writer } from "./wire.ts";

/** A message with a JSON form of its own (ProtoJSON's table of well-known types). `read` stops at `end`. */
export interface WellKnownType {
  write(value: unknown, writer: Writer): void;
  read(reader: Reader, end: number): unknown;
}

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nothing, 3, 6 or 9 digits, as Go and C++ print them. */
function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

function writeSeconds(writer: Writer, seconds: number, nanos: number): void {
  if (seconds !== 0) writer.uint32(8).int64(seconds);
  if (nanos !== 0) writer.uint32(16).int32(nanos);
}

function readSeconds(reader: Reader, end: number): { seconds: number; nanos: number } {
  const result = { seconds: 0, nanos: 0 };
  eachField(reader, end, (number) => {
    if (number === 1) result.seconds = Number(reader.int64());
    else if (number === 2) result.nanos = reader.int32();
    return number === 1 || number === 2;
  });
  return result;
}

/** As Go writes durations too (`500ms`, `1h30m`): EnvoyFilters hold such, and Istio reads them. */
function readDuration(value: unknown): RegExpExecArray | null {
  if (typeof value !== "string") return null;
  const match = DURATION.exec(value);
  if (match) return match;
  const milliseconds = value.startsWith("+") ? undefined : parseDuration(value);
  return milliseconds === undefined ? null : DURATION.exec(formatDuration(milliseconds));
}

const duration: WellKnownType = {
  write(value, writer) {
    if (value === "0s") return;
    const match = readDuration(value);
    const seconds = Number(match?.[2]);
    if (!match || seconds > 315_576_000_000)
      throw new XdsError("invalid-value", `expected a duration such as "1.5s", found ${found(value)}`);
    const sign = match[1] ? -1 : 1;
    writeSeconds(writer, seconds === 0 ? 0 : sign * seconds, sign * Number((match[3] ?? "").padEnd(9, "0")));
  },
  read(reader, end) {
    const { seconds, nanos } = readSeconds(reader, end);
    const sign = seconds < 0 || nanos < 0 ? "-" : "";
    return `${sign}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s`;
  },
};

const timestamp: WellKnownType = {
  write(value, writer) {
    const match = typeof value === "string" ? TIMESTAMP.exec(value) : null;
    const millis = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
    if (!match || Number.isNaN(millis))
      throw new XdsError("invalid-value", `expected an RFC 3339 time, found ${found(value)}`);
    writeSeconds(writer, millis / 1000, Number((match[2] ?? "").padEnd(9, "0")));
  },
  read(reader, end) {
    const { seconds, nanos } = readSeconds(reader, end);
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) throw new XdsError("malformed", `no such time: ${seconds} s`);
    return `${date.toISOString().slice(0, 19)}${fraction(nanos)}Z`;
  },
};

function fieldMaskPath(path: string): string {
  return path.replace(/_(.)/g, (_, next: string) => next.toUpperCase());
}

const fieldMask: WellKnownType = {
  write(value, writer) {
    const text = readString(value);
    if (text === "") return;
    for (const path of text.split(","))
      writer.uint32(10).string(path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  },
  read(reader, end) {
    const paths: string[] = [];
    eachField(reader, end, (number) => {
      if (number === 1) paths.push(fieldMaskPath(reader.string()));
      return number === 1;
    });
    return paths.join(",");
  },
};

const empty: WellKnownType = {
  write(value) {
    if (!isRecord(value) || Object.keys(value).some((key) => key !== "@type"))
      throw new XdsError("invalid-value", `expected {}, found ${found(value)}`);
  },
  read(reader, end) {
    eachField(reader, end, () => false);
    return {};
  },
};

/** `{ value: X }` written as X. The default is not written. */
function wrapper<T>(
  zero: unknown,
  write: (value: unknown, writer: Writer) => void,
  read: (reader: Reader) => T,
): WellKnownType {
  return {
    write,
    read(reader, end) {
      let value: unknown = zero;
      eachField(reader, end, (number) => {
        if (number === 1) value = read(reader);
        return number === 1;
      });
      return value;
    },
  };
}

function intWrapper(kind: "int32" | "uint32"): WellKnownType {
  const write = (value: unknown, writer: Writer) => {
    const number = readInt(kind, value);
    if (number !== 0) writer.uint32(8)[kind](number);
  };
  return wrapper(0, write, (reader) => reader[kind]());
}

function longWrapper(kind: "int64" | "uint64"): WellKnownType {
  const write = (value: unknown, writer: Writer) => {
    const bits = bitsOf(value, kind === "uint64");
    if (bits.low !== 0 || bits.high !== 0) writer.uint32(8)[kind](bits);
  };
  return wrapper("0", write, (reader) => String(reader[kind]()));
}

function floatWrapper(kind: "float" | "double"): WellKnownType {
  const write = (value: unknown, writer: Writer) => {
    const number = readFloat(kind, value);
    if (!Object.is(number, 0)) writer.uint32(kind === "float" ? 13 : 9)[kind](number);
  };
  return wrapper(0, write, (reader) => printFloat(kind, reader[kind]()));
}

const writeBool = (value: unknown, writer: Writer) => {
  if (readBool(value)) writer.uint32(8).bool(true);
};
const writeString = (value: unknown, writer: Writer) => {
  const text = readString(value);
  if (text !== "") writer.uint32(10).string(text);
};
const writeBytes = (value: unknown, writer: Writer) => {
  const bytes = readBytes(value);
  if (bytes.length > 0) writer.uint32(10).bytes(bytes);
};

/** By full message name. `Any` is not here: it needs the tables of all messages. */
export const WELL_KNOWN: ReadonlyMap<string, WellKnownType> = new Map([
  ["google.protobuf.Duration", duration],
  ["google.protobuf.Timestamp", timestamp],
  ["google.protobuf.FieldMask", fieldMask],
  ["google.protobuf.Empty", empty],
  [
    "google.protobuf.Struct",
    { write: (value, writer) => writeStruct(value, writer, 0), read: (reader, end) => readStruct(reader, end, 0) },
  ],
  [
    "google.protobuf.Value",
    { write: (value, writer) => writeValue(value, writer, 0), read: (reader, end) => readValue(reader, end, 0) },
  ],
  [
    "google.protobuf.ListValue",
    { write: (value, writer) => writeList(value, writer, 0), read: (reader, end) => readList(reader, end, 0) },
  ],
  ["google.protobuf.BoolValue", wrapper(false, writeBool, (reader) => reader.bool())],
  ["google.protobuf.StringValue", wrapper("", writeString, (reader) => reader.string())],
  ["google.protobuf.BytesValue", wrapper("", writeBytes, (reader) => printBytes(reader.bytes()))],
  ["google.protobuf.Int32Value", intWrapper("int32")],
  ["google.protobuf.UInt32Value", intWrapper("uint32")],
  ["google.protobuf.Int64Value", longWrapper("int64")],
  ["google.protobuf.UInt64Value", longWrapper("uint64")],
  ["google.protobuf.FloatValue", floatWrapper("float")],
  ["google.protobuf.DoubleValue", floatWrapper("double")],
] satisfies [string, WellKnownType][]);
