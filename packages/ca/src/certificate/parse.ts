import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import {
  bitStringBytes,
  type Cursor,
  contents,
  cursor,
  DerError,
  enter,
  expect,
  inside,
  integer,
  mustEnd,
  next,
  peekTag,
  TAG,
  whole,
} from "../der/reader.ts";
import { CaError, type CaErrorCode } from "../error.ts";
import { decodePemFile } from "../pem.ts";
import { type AlternativeName, readAlternativeNames } from "./alternative-name.ts";
import {
  type BasicConstraints,
  EXTENSION,
  type Extension,
  readBasicConstraints,
  readExtendedKeyUsage,
  readExtensions,
  readKeyUsage,
} from "./extension.ts";
import { formatName, readName } from "./name.ts";

/** A certificate, taken apart once. Times are milliseconds since the epoch. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly x509: X509Certificate;
  readonly tbs: Uint8Array;
  readonly serial: string;
  /** Issuer and subject, DER, for byte comparison (RFC 5280, section 7.1, in the form this mesh writes them). */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly issuerText: string;
  readonly subjectText: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly names: readonly AlternativeName[];
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: number | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
}

/** Reads one DER certificate strictly. Throws {@link CaError} with `code`. */
export function readCertificate(der: Uint8Array, code: CaErrorCode = "CERTIFICATE_MALFORMED"): Certificate {
  try {
    return readStrictly(der);
  } catch (error) {
    if (error instanceof CaError) throw error;
    throw new CaError(code, `certificate: ${(error as Error).message}`, { cause: error });
  }
}

/** Every certificate of a PEM file, in order. Throws {@link CaError} with `code`, also when there is none. */
export function readCertificates(pem: string, code: CaErrorCode = "CERTIFICATE_MALFORMED"): Certificate[] {
  const blocks = decodePemFile(pem, code).filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0) throw new CaError(code, "there is no certificate in the text");
  return blocks.map(({ bytes }) => readCertificate(bytes, code));
}

/** The public key of a certificate. */
export function publicKeyOf(certificate: Certificate): KeyObject {
  return createPublicKey({ key: Buffer.from(certificate.spki), format: "der", type: "spki" });
}

function readStrictly(der: Uint8Array): Certificate {
  const outer = cursor(der);
  const certificate = enter(outer, TAG.SEQUENCE, "certificate");
  mustEnd(outer, "certificate");
  const tbsElement = expect(certificate, TAG.SEQUENCE, "tbsCertificate");
  const algorithm = contents(certificate, expect(certificate, TAG.SEQUENCE, "signatureAlgorithm"));
  bitStringBytes(certificate, "signature");
  mustEnd(certificate, "certificate");
  const tbs = inside(certificate, tbsElement);
  const version = enter(tbs, 0xa0, "version");
  if (integer(version, "version")[0] !== 2) throw new DerError("not an X.509 version 3 certificate");
  const serial = integer(tbs, "serialNumber");
  if ((serial[0] ?? 0) >= 0x80 || serial.length > 21) throw new DerError("the serial number is negative or too long");
  const inner = contents(tbs, expect(tbs, TAG.SEQUENCE, "signature"));
  if (!Buffer.from(inner).equals(algorithm)) throw new DerError("the two signature algorithms differ");
  const [issuer, issuerText] = name(tbs, "issuer");
  const validity = enter(tbs, TAG.SEQUENCE, "validity");
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  mustEnd(validity, "validity");
  const [subject, subjectText] = name(tbs, "subject");
  const spki = whole(tbs, expect(tbs, TAG.SEQUENCE, "subjectPublicKeyInfo"));
  const extensions = peekTag(tbs) === 0xa3 ? readExtensions(enter(tbs, 0xa3, "extensions")) : [];
  mustEnd(tbs, "tbsCertificate");
  if (new Set(extensions.map(({ oid }) => oid)).size !== extensions.length) throw new DerError("an extension twice");
  const value = <T>(oid: string, read: (from: Cursor) => T): T | undefined => {
    const found = extensions.find((extension) => extension.oid === oid);
    return found && read(cursor(found.value));
  };
  return {
    der,
    x509: new X509Certificate(der),
    tbs: whole(certificate, tbsElement),
    serial: Buffer.from(serial).toString("hex"),
    issuer,
    subject,
    issuerText,
    subjectText,
    notBefore,
    notAfter,
    spki,
    extensions,
    names: value(EXTENSION.subjectAltName, readAlternativeNames) ?? [],
    basicConstraints: value(EXTENSION.basicConstraints, readBasicConstraints),
    keyUsage: value(EXTENSION.keyUsage, readKeyUsage),
    extendedKeyUsage: value(EXTENSION.extendedKeyUsage, readExtendedKeyUsage),
    subjectKeyId: value(EXTENSION.subjectKeyIdentifier, (from) => hex(from, TAG.OCTET_STRING)),
    authorityKeyId: value(EXTENSION.authorityKeyIdentifier, (from) => {
      const parts = enter(from, TAG.SEQUENCE, "authorityKeyIdentifier");
      return peekTag(parts) === 0x80 ? hex(parts, 0x80) : undefined;
    }),
  };
}

const hex = (from: Cursor, tag: number): string =>
  Buffer.from(contents(from, expect(from, tag, "key identifier"))).toString("hex");

function name(from: Cursor, what: string): [Uint8Array, string] {
  const start = from.at;
  const text = formatName(readName(from, what));
  return [from.bytes.subarray(start, from.at), text];
}

/** UTCTime or GeneralizedTime as RFC 5280, section 4.1.2.5 allows them: seconds, Z, no fractions. */
export function readTime(from: Cursor): number {
  const tag = peekTag(from);
  const text = Buffer.from(contents(from, next(from))).toString("latin1");
  const match =
    tag === TAG.UTC_TIME
      ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text)
      : tag === TAG.GENERALIZED_TIME
        ? /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text)
        : null;
  if (!match) throw new DerError("validity: not a time of RFC 5280");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const full = tag === TAG.UTC_TIME ? year + (year < 50 ? 2000 : 1900) : year;
  const ms = Date.UTC(full, month - 1, day, hour, minute, second);
  if (new Date(ms).getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    throw new DerError("validity: no such time");
  return ms;
}
