import { atEnd, type Cursor, contents, DerError, enter, next, objectIdentifier, TAG } from "../der/reader.ts";
import { oid, sequence, set, utf8String } from "../der/writer.ts";

/** One attribute of a distinguished name. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

export const COMMON_NAME = "2.5.4.3";
export const ORGANIZATION = "2.5.4.10";

const TEXT_TAGS: ReadonlySet<number> = new Set([TAG.UTF8_STRING, TAG.PRINTABLE_STRING, TAG.IA5_STRING]);

/** Reads an X.501 Name (RFC 5280, section 4.1.2.4). Values of other string types than UTF-8, printable and IA5 are hex. */
export function readName(from: Cursor, what: string): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  const names = enter(from, TAG.SEQUENCE, what);
  while (!atEnd(names)) {
    const relative = enter(names, TAG.SET, what);
    if (atEnd(relative)) throw new DerError(`${what}: an empty relative distinguished name`);
    while (!atEnd(relative)) {
      const pair = enter(relative, TAG.SEQUENCE, what);
      const type = objectIdentifier(pair, what);
      const value = next(pair);
      if (!atEnd(pair)) throw new DerError(`${what}: an attribute of more than two parts`);
      const bytes = Buffer.from(contents(pair, value));
      attributes.push({ type, value: TEXT_TAGS.has(value.tag) ? bytes.toString("utf8") : `#${bytes.toString("hex")}` });
    }
  }
  return attributes;
}

/** Writes a Name of UTF-8 strings, one attribute a step. */
export function writeName(attributes: readonly NameAttribute[]): Buffer {
  return sequence(...attributes.map(({ type, value }) => set(sequence(oid(type), utf8String(value)))));
}

const SHORT: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  [ORGANIZATION]: "O",
  "2.5.4.11": "OU",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
};

/** `O=cluster.local, CN=root`, for people. */
export function formatName(attributes: readonly NameAttribute[]): string {
  return attributes.map(({ type, value }) => `${SHORT[type] ?? type}=${value.replace(/[,\\=]/g, "\\$&")}`).join(", ");
}
