import {
  atEnd,
  boolean,
  type Cursor,
  contents,
  DerError,
  enter,
  expect,
  objectIdentifier,
  peekTag,
  TAG,
} from "../der/reader.ts";
import { booleanTrue, octetString, oid, sequence } from "../der/writer.ts";

export const EXTENSION = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

export const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
export const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** Bits of keyUsage as RFC 5280, section 4.2.1.3 numbers them, the first in the highest place. */
export const KEY_USAGE = {
  digitalSignature: 0x8000,
  keyEncipherment: 0x2000,
  keyCertSign: 0x0400,
  cRLSign: 0x0200,
} as const;

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Most extensions that are read from one request or certificate. */
const MAX_EXTENSIONS = 64;

/** Reads Extensions (RFC 5280, section 4.1). A duplicate is the caller's to refuse. */
export function readExtensions(from: Cursor): Extension[] {
  const found: Extension[] = [];
  const list = enter(from, TAG.SEQUENCE, "extensions");
  if (atEnd(list)) throw new DerError("extensions: empty");
  while (!atEnd(list)) {
    if (found.length === MAX_EXTENSIONS) throw new DerError(`extensions: more than ${MAX_EXTENSIONS}`);
    const one = enter(list, TAG.SEQUENCE, "extension");
    const id = objectIdentifier(one, "extension");
    const critical = peekTag(one) === TAG.BOOLEAN;
    if (critical && !boolean(one, "extension")) throw new DerError("extension: critical FALSE written out");
    const value = contents(one, expect(one, TAG.OCTET_STRING, "extension value"));
    if (!atEnd(one)) throw new DerError("extension: more than three parts");
    found.push({ oid: id, critical, value });
  }
  return found;
}

export function writeExtension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical ? sequence(oid(id), booleanTrue(), octetString(value)) : sequence(oid(id), octetString(value));
}

/** keyUsage as a 16-bit number, see {@link KEY_USAGE}. */
export function readKeyUsage(from: Cursor): number {
  const bytes = contents(from, expect(from, TAG.BIT_STRING, "keyUsage"));
  const [unused = 0, first = 0, second = 0] = bytes;
  if (bytes.length < 2 || bytes.length > 3 || unused > 7 || !atEnd(from))
    throw new DerError("keyUsage: not a bit string of 9");
  const last = bytes[bytes.length - 1] ?? 0;
  if ((last & ((1 << unused) - 1)) !== 0) throw new DerError("keyUsage: unused bits are set");
  return (first << 8) | second;
}

export function readExtendedKeyUsage(from: Cursor): string[] {
  const usages: string[] = [];
  const list = enter(from, TAG.SEQUENCE, "extendedKeyUsage");
  while (!atEnd(list)) {
    if (usages.length === 32) throw new DerError("extendedKeyUsage: more than 32");
    usages.push(objectIdentifier(list, "extendedKeyUsage"));
  }
  if (usages.length === 0 || !atEnd(from)) throw new DerError("extendedKeyUsage: empty, or bytes after it");
  return usages;
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength?: number;
}

export function readBasicConstraints(from: Cursor): BasicConstraints {
  const list = enter(from, TAG.SEQUENCE, "basicConstraints");
  const written = peekTag(list) === TAG.BOOLEAN;
  if (written && !boolean(list, "basicConstraints")) throw new DerError("basicConstraints: cA FALSE written out");
  if (atEnd(list)) {
    if (!atEnd(from)) throw new DerError("basicConstraints: bytes after it");
    return { ca: written };
  }
  const bytes = contents(list, expect(list, TAG.INTEGER, "pathLenConstraint"));
  if (bytes.length !== 1 || (bytes[0] ?? 0) > 127 || !atEnd(list) || !atEnd(from))
    throw new DerError("basicConstraints: pathLenConstraint is not a small number");
  return { ca: written, pathLength: bytes[0] ?? 0 };
}
