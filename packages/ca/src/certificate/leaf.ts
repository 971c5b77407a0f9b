import { bitString, der, headerSize, oid, sequence, time, writeHeader } from "../der/writer.ts";
import { type AlternativeName, writeAlternativeNames } from "./alternative-name.ts";
import { CLIENT_AUTH, EXTENSION, KEY_USAGE, SERVER_AUTH, writeExtension } from "./extension.ts";

/** What goes into a workload certificate. Everything is DER but the times (ms) and the serial (16 bytes). */
export interface LeafTemplate {
  readonly serial: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  /** The subjectAltName extension, see {@link alternativeNameExtension}. */
  readonly names: Uint8Array;
}

/** What all certificates of one issuer have in common, DER. */
export interface LeafIssuer {
  readonly algorithm: Uint8Array;
  readonly name: Uint8Array;
  /** The authorityKeyIdentifier extension; empty when the issuer has no key identifier. */
  readonly authorityKeyId: Uint8Array;
}

const VERSION_3 = Uint8Array.of(0xa0, 0x03, 0x02, 0x01, 0x02);
const EMPTY_SUBJECT = Uint8Array.of(0x30, 0x00);
const PROFILE = Buffer.concat([
  writeExtension(
    EXTENSION.keyUsage,
    true,
    bitString(Uint8Array.of((KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment) >> 8), 5),
  ),
  writeExtension(EXTENSION.extendedKeyUsage, false, sequence(oid(SERVER_AUTH), oid(CLIENT_AUTH))),
  writeExtension(EXTENSION.basicConstraints, true, EMPTY_SUBJECT),
]);

/** The subjectAltName extension, critical because the subject is empty (X509-SVID, section 2; RFC 5280, 4.2.1.6). */
export function alternativeNameExtension(names: readonly AlternativeName[]): Buffer {
  return writeExtension(EXTENSION.subjectAltName, true, writeAlternativeNames(names));
}

/** The authorityKeyIdentifier extension of a hex key identifier. */
export function authorityKeyIdExtension(keyId: string | undefined): Buffer {
  if (keyId === undefined) return Buffer.alloc(0);
  return writeExtension(EXTENSION.authorityKeyIdentifier, false, sequence(der(0x80, Buffer.from(keyId, "hex"))));
}

/**
 * Writes the TBSCertificate of a leaf: X.509-SVID profile with digitalSignature and keyEncipherment, both extended key
 * usages, cA false, one buffer filled front to back.
 */
export function writeLeaf(issuer: LeafIssuer, leaf: LeafTemplate): Buffer {
  const from = time(leaf.notBefore);
  const until = time(leaf.notAfter);
  const validity = from.length + until.length;
  const list = PROFILE.length + issuer.authorityKeyId.length + leaf.names.length;
  const wrapped = headerSize(list) + list;
  const length =
    VERSION_3.length +
    2 +
    leaf.serial.length +
    issuer.algorithm.length +
    issuer.name.length +
    headerSize(validity) +
    validity +
    EMPTY_SUBJECT.length +
    leaf.spki.length +
    headerSize(wrapped) +
    wrapped;
  const out = Buffer.allocUnsafe(headerSize(length) + length);
  let at = writeHeader(out, 0, 0x30, length);
  const put = (bytes: Uint8Array) => {
    out.set(bytes, at);
    at += bytes.length;
  };
  put(VERSION_3);
  at = writeHeader(out, at, 0x02, leaf.serial.length);
  put(leaf.serial);
  put(issuer.algorithm);
  put(issuer.name);
  at = writeHeader(out, at, 0x30, validity);
  put(from);
  put(until);
  put(EMPTY_SUBJECT);
  put(leaf.spki);
  at = writeHeader(out, at, 0xa3, wrapped);
  at = writeHeader(out, at, 0x30, list);
  put(PROFILE);
  put(issuer.authorityKeyId);
  put(leaf.names);
  return out;
}

/** A serial number: 16 bytes, positive, minimal, 126 random bits (RFC 5280, section 4.1.2.2). */
export function serialNumber(random: (size: number) => Uint8Array): Uint8Array {
  const serial = random(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** Puts TBSCertificate, algorithm and signature together. */
export function signedCertificate(tbs: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Buffer {
  return sequence(tbs, algorithm, bitString(signature));
}
