import { createPublicKey, type JsonWebKey } from "node:crypto";
import { contents, cursor, enter, expect, TAG } from "../der/reader.ts";
import { CaError } from "../error.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { Signer } from "../keys/signer.ts";

/** Algorithms of JWT-SVIDs (SPIFFE JWT-SVID, section 2.1) by the kinds of keys that sign here. */
const ALGORITHMS: Readonly<Partial<Record<KeyType, string>>> = {
  "ec-p256": "ES256",
  "ec-p384": "ES384",
  "rsa-2048": "RS256",
  "rsa-3072": "RS256",
  "rsa-4096": "RS256",
};

/** The `alg` that a kind of key signs with. Throws OPTION_INVALID for keys that JWT-SVIDs do not know. */
export function jwsAlgorithm(keyType: KeyType): string {
  const found = ALGORITHMS[keyType];
  if (found === undefined) throw new CaError("OPTION_INVALID", `JWT-SVIDs are not signed with ${keyType} keys`);
  return found;
}

/** The public key of a signer as JWK (RFC 7517). */
export function publicJwk(signer: Signer): JsonWebKey {
  return createPublicKey({ key: Buffer.from(signer.publicKey), format: "der", type: "spki" }).export({ format: "jwk" });
}

/** A compact JWS (RFC 7515, section 7.1), signed wherever the key is. */
export async function signCompact(signer: Signer, keyId: string, claims: object): Promise<string> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part({ alg: jwsAlgorithm(signer.keyType), kid: keyId, typ: "JWT" })}.${part(claims)}`;
  const signature = await signer.sign(Buffer.from(input));
  const half = signer.keyType === "ec-p256" ? 32 : signer.keyType === "ec-p384" ? 48 : 0;
  const bytes = half === 0 ? signature : fixedWidth(signature, half);
  return `${input}.${Buffer.from(bytes).toString("base64url")}`;
}

/** ECDSA-Sig-Value as the two numbers side by side (RFC 7518, section 3.4). */
function fixedWidth(signature: Uint8Array, half: number): Uint8Array {
  const pair = enter(cursor(signature), TAG.SEQUENCE, "signature");
  const out = new Uint8Array(2 * half);
  for (const end of [half, 2 * half]) {
    const number = contents(pair, expect(pair, TAG.INTEGER, "signature"));
    const trimmed = number[0] === 0 ? number.subarray(1) : number;
    out.set(trimmed, end - trimmed.length);
  }
  return out;
}
/** The algorithm that tokens of a public key are signed with here. */
export function jwkAlgorithm({ kty, crv }: JsonWebKey): string {
  if (kty === "RSA") return "RS256";
  return crv === "P-384" ? "ES384" : "ES256";
}
