import { XdsError } from "../xds-error.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { bitsOf, readBool, readBytes, readEnum, readFloat, readInt, readString } from "./scalar.ts";
import { enumTable, type Kind } from "./table.ts";

/** Writes one value, without its tag. */
export type ValueWriter = (value: unknown, writer: ByteWriter, depth: number) => void;

/** Writes values of a scalar type or of the enum `type`. Throws `invalid-value` and `unknown-enum-value`. */
export function scalarWriter(kind: Kind, type: string): ValueWriter {
  switch (kind) {
    case "string":
      return (value, writer) => void writer.string(readString(value));
    case "bool":
      return (value, writer) => void writer.bool(readBool(value));
    case "enum": {
      const read = enumReader(type);
      return (value, writer) => void writer.int32(read(value));
    }
    case "bytes":
      return (value, writer) => void writer.bytes(readBytes(value));
    case "float":
    case "double":
      return (value, writer) => void writer[kind](readFloat(kind, value));
    case "int32":
    case "uint32":
    case "sint32":
    case "fixed32":
    case "sfixed32":
      return (value, writer) => void writer[kind](readInt(kind, value));
    case "int64":
    case "sint64":
    case "sfixed64":
      return (value, writer) => void writer[kind](bitsOf(value, false));
    case "uint64":
    case "fixed64":
      return (value, writer) => void writer[kind](bitsOf(value, true));
    default:
      throw new XdsError("invalid-value", `${kind} is not a scalar`);
  }
}

/** {@link readEnum} of one type. */
export function enumReader(type: string): (value: unknown) => number {
  if (type === "google.protobuf.NullValue") return () => 0;
  const { numbers } = enumTable(type);
  return (value) => (typeof value === "string" ? numbers.get(value) : undefined) ?? readEnum(type, value);
}
