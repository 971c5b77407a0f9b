import { createPublicKey } from "node:crypto";
import {
  type Cursor,
  contents,
  enter,
  expect,
  integer,
  mustEnd,
  objectIdentifier,
  peekTag,
  skips,
  TAG,
  whole,
} from "../der/reader.ts";
import { CaError } from "../error.ts";

export type KeyFamily = "ec-p256" | "ec-p384" | "rsa" | "ed25519";

/** A subject public key that has passed the structural checks. Whether the policy wants it is another question. */
export interface SubjectKey {
  readonly family: KeyFamily;
  /** Bits of the curve or of the modulus. */
  readonly bits: number;
  /** The SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

const CURVES: Readonly<Record<string, { readonly family: KeyFamily; readonly bits: number; readonly point: number }>> =
  {
    "1.2.840.10045.3.1.7": { family: "ec-p256", bits: 256, point: 65 },
    "1.3.132.0.34": { family: "ec-p384", bits: 384, point: 97 },
  };

const invalid = (message: string) => new CaError("CSR_INVALID_KEY", message);
const weak = (message: string) => new CaError("CSR_WEAK_KEY", message);

/** A P-256 key up to the coordinates of its point: the same in all, and so is the length. */
const P256_HEAD = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
const P256_BYTES = 91;

/** Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7, RFC 5480, RFC 3279, RFC 8410). */
export function readSubjectKey(from: Cursor): SubjectKey {
  const start = from.at;
  if (from.end - start >= P256_BYTES && skips(from, P256_HEAD)) {
    from.at = start + P256_BYTES;
    return { family: "ec-p256", bits: 256, spki: from.bytes.subarray(start, from.at) };
  }
  const element = expect(from, TAG.SEQUENCE, "subjectPublicKeyInfo");
  const spki = whole(from, element);
  const info: Cursor = { bytes: from.bytes, at: element.content, end: element.end };
  const algorithm = enter(info, TAG.SEQUENCE, "public key algorithm");
  const type = objectIdentifier(algorithm, "public key algorithm");
  const bits = contents(info, expect(info, TAG.BIT_STRING, "public key"));
  mustEnd(info, "subjectPublicKeyInfo");
  if (bits.length === 0 || bits[0] !== 0) throw invalid("the public key has unused bits");
  const key = bits.subarray(1);
  if (type === "1.2.840.10045.2.1") {
    if (peekTag(algorithm) !== TAG.OID) throw invalid("the EC key does not name its curve");
    const name = objectIdentifier(algorithm, "curve");
    mustEnd(algorithm, "public key algorithm");
    const curve = CURVES[name];
    if (curve === undefined) throw new CaError("CSR_UNSUPPORTED_KEY", `EC curve ${name} is not supported`);
    if (key.length !== curve.point || key[0] !== 4)
      throw invalid("the EC point is not an uncompressed point of its curve");
    return { family: curve.family, bits: curve.bits, spki };
  }
  if (type === "1.2.840.113549.1.1.1") {
    const parameters = expect(algorithm, TAG.NULL, "RSA parameters");
    if (parameters.end !== parameters.content) throw invalid("RSA parameters are not NULL");
    mustEnd(algorithm, "public key algorithm");
    return { family: "rsa", bits: rsaBits({ bytes: key, at: 0, end: key.length }), spki };
  }
  if (type === "1.3.101.112") {
    mustEnd(algorithm, "public key algorithm");
    if (key.length !== 32) throw invalid("an Ed25519 key has 32 bytes");
    return { family: "ed25519", bits: 255, spki };
  }
  throw new CaError("CSR_UNSUPPORTED_KEY", `public key algorithm ${type} is not supported`);
}

/** The modulus' size. A modulus that is negative or even and exponents other than odd, 65537 to 2^32, are refused. */
function rsaBits(from: Cursor): number {
  const pair = enter(from, TAG.SEQUENCE, "RSA key");
  const modulus = integer(pair, "RSA modulus");
  const exponent = integer(pair, "RSA exponent");
  mustEnd(pair, "RSA key");
  mustEnd(from, "RSA key");
  if ((modulus[0] ?? 0) >= 0x80) throw weak("the RSA modulus is negative");
  if (((modulus[modulus.length - 1] ?? 0) & 1) === 0) throw weak("the RSA modulus is even");
  const e = exponent.length > 5 || (exponent[0] ?? 0) >= 0x80 ? 0 : exponent.reduce((sum, byte) => sum * 256 + byte, 0);
  if (e < 65537 || e >= 2 ** 32 || e % 2 === 0) throw weak("the RSA exponent is not an odd number from 65537 to 2^32");
  const significant = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  return significant.length * 8 - Math.clz32(significant[0] ?? 0) + 24;
}

/** The key as PEM text, of which Node makes a key in half the time that it takes for an object of DER. */
export function publicKeyPem({ spki }: SubjectKey): string {
  const text = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString("base64");
  const two = text.length > 64 && text.length <= 128; // P-256, the usual case, without a regular expression
  const body = two ? `${text.slice(0, 64)}\n${text.slice(64)}` : (text.match(/.{1,64}/g) ?? []).join("\n");
  return `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`;
}

/** Throws CSR_INVALID_KEY for what is no key, among others a point that is not on its curve. */
export function mustBeKey(pem: string): void {
  try {
    createPublicKey(pem);
  } catch (cause) {
    throw new CaError("CSR_INVALID_KEY", "the public key is not valid", { cause });
  }
}
