/**
 * A strict reader of DER (X.690, section 10): definite, minimal lengths only, low tag numbers only, nothing left over.
 * It never recurses and never copies, so that no input costs more than its length.
 */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DerError";
  }
}

export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** A position in a stretch of DER. Moved by the functions below. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/** One element: its tag, and where its header and contents are. */
export interface Element {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

export function cursor(bytes: Uint8Array, at = 0, end = bytes.length): Cursor {
  return { bytes, at, end };
}

export function atEnd(from: Cursor): boolean {
  return from.at >= from.end;
}

/** The tag of the next element; -1 at the end. */
export function peekTag(from: Cursor): number {
  return from.at < from.end ? (from.bytes[from.at] ?? -1) : -1;
}

/** Reads the next element's header and moves past the element. */
export function next(from: Cursor): Element {
  const { bytes, end, at } = from;
  if (at + 2 > end) throw new DerError(`truncated at byte ${at}`);
  const tag = bytes[at] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw new DerError(`high tag number at byte ${at}`);
  const first = bytes[at + 1] ?? 0;
  let content = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0) throw new DerError(`indefinite length at byte ${at}`);
    if (count > 3) throw new DerError(`length of ${count} bytes at byte ${at}`);
    if (content + count > end) throw new DerError(`truncated at byte ${at}`);
    length = 0;
    for (let index = 0; index < count; index++) length = (length << 8) | (bytes[content + index] ?? 0);
    content += count;
    if (length < 0x80 || (count > 1 && length < 1 << (8 * (count - 1))))
      throw new DerError(`length not minimal at byte ${at}`);
  }
  if (length > end - content) throw new DerError(`element at byte ${at} is longer than its container`);
  from.at = content + length;
  return { tag, start: at, content, end: from.at };
}

/** Reads the next element, which must have this tag. */
export function expect(from: Cursor, tag: number, what: string): Element {
  const found = peekTag(from);
  if (found !== tag)
    throw new DerError(
      `${what}: expected tag 0x${tag.toString(16)} at byte ${from.at}, found ${found < 0 ? "the end" : `0x${found.toString(16)}`}`,
    );
  return next(from);
}

/** A cursor over the contents of an element. */
export function inside(from: Cursor, element: Element): Cursor {
  return { bytes: from.bytes, at: element.content, end: element.end };
}

/** The next element must be constructed with this tag; a cursor over its contents. */
export function enter(from: Cursor, tag: number, what: string): Cursor {
  return inside(from, expect(from, tag, what));
}

/** Moves past these very bytes, if they are what comes next. For stretches that are nearly always the same. */
export function skips(from: Cursor, bytes: Uint8Array): boolean {
  if (bytes.length > from.end - from.at || !sameAt(from.bytes, from.at, bytes)) return false;
  from.at += bytes.length;
  return true;
}

function sameAt(where: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (where[at + index] !== bytes[index]) return false;
  return true;
}

export function mustEnd(from: Cursor, what: string): void {
  if (from.at !== from.end) throw new DerError(`${what}: ${from.end - from.at} bytes too many at byte ${from.at}`);
}

/** The element's contents, not copied. */
export function contents(from: Cursor, element: Element): Uint8Array {
  return from.bytes.subarray(element.content, element.end);
}

/** The element with its header, not copied. */
export function whole(from: Cursor, element: Element): Uint8Array {
  return from.bytes.subarray(element.start, element.end);
}

/** An INTEGER's contents; minimal encoding is checked. The sign is the first bit. */
export function integer(from: Cursor, what: string): Uint8Array {
  const bytes = contents(from, expect(from, TAG.INTEGER, what));
  if (bytes.length === 0) throw new DerError(`${what}: empty INTEGER`);
  const [first = 0, second = 0] = bytes;
  if (bytes.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw new DerError(`${what}: INTEGER not minimal`);
  return bytes;
}

/** A BIT STRING of whole bytes: what certificates carry as keys and signatures. */
export function bitStringBytes(from: Cursor, what: string): Uint8Array {
  const bytes = contents(from, expect(from, TAG.BIT_STRING, what));
  if (bytes.length === 0 || bytes[0] !== 0) throw new DerError(`${what}: BIT STRING with unused bits`);
  return bytes.subarray(1);
}

/** A BOOLEAN, in DER 0x00 or 0xff. */
export function boolean(from: Cursor, what: string): boolean {
  const bytes = contents(from, expect(from, TAG.BOOLEAN, what));
  if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) throw new DerError(`${what}: not a DER BOOLEAN`);
  return bytes[0] === 0xff;
}

/** An OBJECT IDENTIFIER as dotted decimals. At most 64 bytes long, each arc below 2^53. */
export function objectIdentifier(from: Cursor, what: string): string {
  const element = expect(from, TAG.OID, what);
  const length = element.end - element.content;
  for (const { bytes: known, dotted } of KNOWN)
    if (known.length === length && sameAt(from.bytes, element.content, known)) return dotted;
  const bytes = contents(from, element);
  if (bytes.length === 0 || bytes.length > 64)
    throw new DerError(`${what}: OBJECT IDENTIFIER of ${bytes.length} bytes`);
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const byte of bytes) {
    if (fresh && byte === 0x80) throw new DerError(`${what}: OBJECT IDENTIFIER not minimal`);
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError(`${what}: OBJECT IDENTIFIER arc too large`);
    fresh = byte < 0x80;
    if (fresh) {
      if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
      else arcs.push(arc);
      arc = 0;
    }
  }
  if (!fresh) throw new DerError(`${what}: OBJECT IDENTIFIER cut short`);
  return arcs.join(".");
}

/** OIDs on the issuing path, by their contents, so that these are not spelled out anew for each request. */
const KNOWN = [
  ["551d11", "2.5.29.17"],
  ["2a864886f70d01090e", "1.2.840.113549.1.9.14"],
  ["2a8648ce3d0201", "1.2.840.10045.2.1"],
  ["2a8648ce3d030107", "1.2.840.10045.3.1.7"],
  ["2a8648ce3d040302", "1.2.840.10045.4.3.2"],
].map(([hex = "", dotted = ""]) => ({ bytes: Uint8Array.from(Buffer.from(hex, "hex")), dotted }));
