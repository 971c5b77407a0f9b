import { isIP } from "node:net";
import { atEnd, type Cursor, contents, DerError, enter, next, TAG } from "../der/reader.ts";
import { der } from "../der/writer.ts";

/** One name of a subjectAltName extension (RFC 5280, section 4.2.1.6). `other` values are hex of the whole element. */
export interface AlternativeName {
  readonly type: "uri" | "dns" | "ip" | "email" | "other";
  readonly value: string;
}

const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;

/** Most names that are read from one extension. */
export const MAX_ALTERNATIVE_NAMES = 100;

/** More names than are read. Not a {@link DerError}, because the input is too large and not broken. */
export class TooManyNames extends Error {}

/** Reads the GeneralNames of a subjectAltName extension. */
export function readAlternativeNames(from: Cursor): AlternativeName[] {
  const names: AlternativeName[] = [];
  const list = enter(from, TAG.SEQUENCE, "subjectAltName");
  if (atEnd(list)) throw new DerError("subjectAltName: empty");
  while (!atEnd(list)) {
    if (names.length === MAX_ALTERNATIVE_NAMES) throw new TooManyNames(`more than ${MAX_ALTERNATIVE_NAMES} names`);
    const element = next(list);
    const bytes = Buffer.from(contents(list, element));
    if (element.tag === URI) names.push({ type: "uri", value: bytes.toString("latin1") });
    else if (element.tag === DNS) names.push({ type: "dns", value: bytes.toString("latin1") });
    else if (element.tag === EMAIL) names.push({ type: "email", value: bytes.toString("latin1") });
    else if (element.tag === IP) names.push({ type: "ip", value: formatIp(bytes) });
    else if ((element.tag & 0xc0) === 0x80)
      names.push({ type: "other", value: `${element.tag.toString(16)}:${bytes.toString("hex")}` });
    else throw new DerError(`subjectAltName: tag 0x${element.tag.toString(16)}`);
  }
  if (!atEnd(from)) throw new DerError("subjectAltName: bytes after the list");
  return names;
}

/** Writes the GeneralNames: URIs, DNS names and IP addresses. */
export function writeAlternativeNames(names: readonly AlternativeName[]): Buffer {
  return der(
    TAG.SEQUENCE,
    ...names.map(({ type, value }) => {
      if (type === "uri") return der(URI, Buffer.from(value, "latin1"));
      if (type === "dns") return der(DNS, Buffer.from(value, "latin1"));
      if (type === "ip") return der(IP, parseIp(value));
      throw new DerError(`subjectAltName: ${type} names are not written`);
    }),
  );
}

/** The text of an address of 4 or 16 bytes, in the shortest form. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join(".");
  if (bytes.length !== 16) throw new DerError(`subjectAltName: IP address of ${bytes.length} bytes`);
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/** The bytes of an address; the text must be one. */
export function parseIp(text: string): Uint8Array {
  const family = isIP(text);
  if (family === 4) return Uint8Array.from(text.split(".").map(Number));
  if (family !== 6 || text.includes("%")) throw new DerError(`${JSON.stringify(text)} is not an IP address`);
  const [left = "", right] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const head = groups(left);
  const tail = right === undefined ? [] : groups(right);
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
