import { verify } from "node:crypto";
import { atEnd, type Cursor, enter, expect, integer, objectIdentifier, skips, TAG } from "../der/reader.ts";
import { CaError } from "../error.ts";
import type { KeyFamily, SubjectKey } from "./public-key.ts";

/** A signature algorithm that is accepted. SHA-1, MD5, DSA and RSASSA-PSS are not. */
export interface SignatureAlgorithm {
  readonly hash: "sha256" | "sha384" | "sha512" | null;
  readonly signs: "ec" | "rsa" | "ed25519";
}

const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  "1.2.840.10045.4.3.2": { hash: "sha256", signs: "ec" },
  "1.2.840.10045.4.3.3": { hash: "sha384", signs: "ec" },
  "1.2.840.10045.4.3.4": { hash: "sha512", signs: "ec" },
  "1.2.840.113549.1.1.11": { hash: "sha256", signs: "rsa" },
  "1.2.840.113549.1.1.12": { hash: "sha384", signs: "rsa" },
  "1.2.840.113549.1.1.13": { hash: "sha512", signs: "rsa" },
  "1.3.101.112": { hash: null, signs: "ed25519" },
};

/** The usual one, whole. */
const ECDSA_SHA256 = Buffer.from("300a06082a8648ce3d040302", "hex");

/** Reads an AlgorithmIdentifier; RSA's has a NULL parameter, the others have none (RFC 5758, RFC 4055, RFC 8410). */
export function readSignatureAlgorithm(from: Cursor): SignatureAlgorithm {
  if (skips(from, ECDSA_SHA256)) return { hash: "sha256", signs: "ec" };
  const parts = enter(from, TAG.SEQUENCE, "signature algorithm");
  const id = objectIdentifier(parts, "signature algorithm");
  const found = ALGORITHMS[id];
  if (found === undefined) throw new CaError("CSR_UNSUPPORTED_ALG", `signature algorithm ${id} is not accepted`);
  if (found.signs === "rsa") {
    const parameters = expect(parts, TAG.NULL, "signature algorithm parameters");
    if (parameters.content !== parameters.end) throw new CaError("CSR_MALFORMED", "NULL with contents");
  }
  if (!atEnd(parts)) throw new CaError("CSR_UNSUPPORTED_ALG", `signature algorithm ${id} has parameters`);
  return found;
}

const SIGNS: Readonly<Record<KeyFamily, SignatureAlgorithm["signs"]>> = {
  "ec-p256": "ec",
  "ec-p384": "ec",
  rsa: "rsa",
  ed25519: "ed25519",
};

const ORDER: Readonly<Record<string, Buffer>> = {
  "ec-p256": Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex"),
  "ec-p384": Buffer.from(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    "hex",
  ),
};

/** Whether an ECDSA signature is DER with r and s in [1, n-1]: nothing that leaves room for a second encoding. */
export function isStrictEcdsaSignature(signature: Uint8Array, family: KeyFamily): boolean {
  const order = ORDER[family];
  if (order === undefined) return false;
  try {
    const from: Cursor = { bytes: signature, at: 0, end: signature.length };
    const pair = enter(from, TAG.SEQUENCE, "signature");
    for (const what of ["r", "s"]) {
      const value = integer(pair, what);
      const [first = 0] = value;
      if (first >= 0x80) return false;
      const magnitude = first === 0 ? value.subarray(1) : value;
      if (magnitude.length === 0 || magnitude.length > order.length) return false;
      if (magnitude.length === order.length && order.compare(magnitude) <= 0) return false;
    }
    return atEnd(pair) && atEnd(from);
  } catch {
    return false;
  }
}

/** Throws CSR_UNSUPPORTED_ALG when the algorithm is not one of this kind of key. */
export function mustSuit(algorithm: SignatureAlgorithm, key: SubjectKey): void {
  if (SIGNS[key.family] !== algorithm.signs)
    throw new CaError("CSR_UNSUPPORTED_ALG", `a ${key.family} key does not make ${algorithm.signs} signatures`);
}

/** Checks `signature` over `signed` by a public key, PEM. Anything but a good signature is false. */
export function verifySignature(
  algorithm: SignatureAlgorithm,
  family: KeyFamily,
  key: string,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (algorithm.signs === "ec" && !isStrictEcdsaSignature(signature, family)) return false;
  try {
    return verify(algorithm.hash, signed, key, signature);
  } catch {
    return false;
  }
}
