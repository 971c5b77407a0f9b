import { TAG } from "./reader.ts";

/** One DER element of the tag around the parts. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = Buffer.allocUnsafe(headerSize(length) + length);
  let at = writeHeader(out, 0, tag, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** How many bytes tag and length take for contents of `length` bytes. */
export function headerSize(length: number): number {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : 5;
}

/** Writes tag and length at `at`; returns where the contents go. */
export function writeHeader(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at++] = tag;
  if (length < 0x80) out[at++] = length;
  else if (length < 0x100) {
    out[at++] = 0x81;
    out[at++] = length;
  } else if (length < 0x10000) {
    out[at++] = 0x82;
    out[at++] = length >> 8;
    out[at++] = length & 0xff;
  } else {
    out[at++] = 0x83;
    out[at++] = length >> 16;
    out[at++] = (length >> 8) & 0xff;
    out[at++] = length & 0xff;
  }
  return at;
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(TAG.SEQUENCE, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => der(TAG.SET, ...parts);
export const octetString = (bytes: Uint8Array): Buffer => der(TAG.OCTET_STRING, bytes);
export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer =>
  der(TAG.BIT_STRING, Uint8Array.of(unusedBits), bytes);
export const utf8String = (text: string): Buffer => der(TAG.UTF8_STRING, Buffer.from(text, "utf8"));
export const booleanTrue = (): Buffer => der(TAG.BOOLEAN, Uint8Array.of(0xff));

/** A non-negative INTEGER from its big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return (trimmed[0] ?? 0) >= 0x80 ? der(TAG.INTEGER, Uint8Array.of(0), trimmed) : der(TAG.INTEGER, trimmed);
}

/** An OBJECT IDENTIFIER from dotted decimals. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128);
    bytes.push(...digits);
  }
  return der(TAG.OID, Uint8Array.from(bytes));
}

/** Times that were written lately: all certificates of one second have the same two. */
const times = new Map<number, Buffer>();

/** A time of RFC 5280, section 4.1.2.5: UTCTime through 2049, GeneralizedTime after, whole seconds. Not to be changed. */
export function time(ms: number): Buffer {
  const known = times.get(ms);
  if (known) return known;
  if (times.size >= 16) times.clear();
  const written = writeTime(ms);
  times.set(ms, written);
  return written;
}

function writeTime(ms: number): Buffer {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const two = (value: number) => (value < 10 ? `0${value}` : `${value}`);
  const rest = `${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}${two(date.getUTCHours())}${two(date.getUTCMinutes())}${two(date.getUTCSeconds())}Z`;
  return year >= 1950 && year < 2050
    ? der(TAG.UTC_TIME, Buffer.from(two(year % 100) + rest, "latin1"))
    : der(TAG.GENERALIZED_TIME, Buffer.from(String(year).padStart(4, "0") + rest, "latin1"));
}
