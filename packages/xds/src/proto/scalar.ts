import { XdsError } from "../xds-error.ts";
import { type EnumTable, enumTable, type Kind } from "./table.ts";

/** A 64-bit integer as the wire library takes it. */
export interface Bits64 {
  low: number;
  high: number;
  unsigned: boolean;
}

const INT_BOUNDS: Partial<Record<Kind, readonly [number, number]>> = {
  int32: [-2147483648, 2147483647],
  sint32: [-2147483648, 2147483647],
  sfixed32: [-2147483648, 2147483647],
  enum: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  fixed32: [0, 4294967295],
};

const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?\d+$/;

/** What was found instead, in a message. */
export function found(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function invalid(value: unknown, expected: string): XdsError {
  return new XdsError("invalid-value", `expected ${expected}, found ${found(value)}`);
}

/** A 32-bit integer: a number, or its digits in a string. */
export function readInt(kind: Kind, value: unknown): number {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  const [low, high] = INT_BOUNDS[kind] ?? [0, 0];
  if (typeof number !== "number" || !Number.isInteger(number) || number < low || number > high)
    throw invalid(value, `an integer from ${low} to ${high}`);
  return number;
}

/** A 64-bit integer: a safe number, or its digits in a string. */
export function readInt64(unsigned: boolean, value: unknown): bigint {
  let big: bigint | undefined;
  if (typeof value === "number" && Number.isInteger(value)) big = BigInt(value);
  else if (typeof value === "string" && INTEGER.test(value)) big = BigInt(value);
  else if (typeof value === "string" && DECIMAL.test(value) && Number.isSafeInteger(Number(value)))
    big = BigInt(Number(value));
  if (big === undefined || big !== (unsigned ? BigInt.asUintN(64, big) : BigInt.asIntN(64, big)))
    throw invalid(value, unsigned ? "an unsigned 64-bit integer" : "a 64-bit integer");
  return big;
}

/** A 64-bit integer as the wire library takes it. Small ones, which nearly all are, without big integers. */
export function bitsOf(value: unknown, unsigned: boolean): Bits64 {
  const small = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof small === "number" && Number.isInteger(small) && small >= 0 && small <= 0x7fffffff)
    return { low: small, high: 0, unsigned };
  return toBits(readInt64(unsigned, value), unsigned);
}

export function toBits(value: bigint, unsigned: boolean): Bits64 {
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)), unsigned };
}

export function readFloat(kind: "float" | "double", value: unknown): number {
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) throw invalid(value, "a number");
  if (kind === "float" && !Number.isFinite(Math.fround(number)))
    throw invalid(value, "a number in the range of a float");
  return number;
}

/** A double prints as JavaScript prints it, a float with the fewest digits that give the same float. */
export function printFloat(kind: "float" | "double", value: number): number | string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (kind === "double") return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

export function readBool(value: unknown): boolean {
  if (typeof value !== "boolean") throw invalid(value, "true or false");
  return value;
}

export function readString(value: unknown): string {
  if (typeof value !== "string") throw invalid(value, "a string");
  return value;
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Base64, standard or URL-safe, padded or not; or the bytes themselves. Without Node's `Buffer`: translation runs in browsers. */
export function readBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string" || !BASE64.test(value)) throw invalid(value, "base64");
  const digits = value.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  if (digits.length % 4 === 1) throw invalid(value, "base64");
  return Uint8Array.from(atob(digits), (char) => char.charCodeAt(0));
}

export function printBytes(value: Uint8Array): string {
  return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(""));
}

/** An enum value by name or number; numbers without a name are kept, as proto3 wants. */
export function readEnum(type: string, value: unknown): number {
  if (type === "google.protobuf.NullValue") return 0;
  const table: EnumTable = enumTable(type);
  if (typeof value === "string") {
    const number = table.numbers.get(value);
    if (number !== undefined) return number;
    throw new XdsError("unknown-enum-value", `${found(value)} is not a value of ${type}`);
  }
  return readInt("enum", value);
}

export function printEnum(type: string, value: number): string | number | null {
  if (type === "google.protobuf.NullValue") return null;
  return enumTable(type).names.get(value) ?? value;
}
