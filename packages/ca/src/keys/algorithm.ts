import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { oid, sequence } from "../der/writer.ts";
import { CaError } from "../error.ts";

/** Kinds of keys an authority or a workload may have. The default everywhere is `ec-p256`. */
export type KeyType = "ec-p256" | "ec-p384" | "rsa-2048" | "rsa-3072" | "rsa-4096" | "ed25519";

/** How a kind of key signs: the digest for node:crypto and the AlgorithmIdentifier, DER. */
export interface SigningAlgorithm {
  readonly hash: string | null;
  readonly identifier: Buffer;
}

const NULL = Uint8Array.of(0x05, 0x00);
const RSA: SigningAlgorithm = { hash: "sha256", identifier: sequence(oid("1.2.840.113549.1.1.11"), NULL) };

const ALGORITHMS: Readonly<Record<KeyType, SigningAlgorithm>> = {
  "ec-p256": { hash: "sha256", identifier: sequence(oid("1.2.840.10045.4.3.2")) },
  "ec-p384": { hash: "sha384", identifier: sequence(oid("1.2.840.10045.4.3.3")) },
  "rsa-2048": RSA,
  "rsa-3072": RSA,
  "rsa-4096": RSA,
  ed25519: { hash: null, identifier: sequence(oid("1.3.101.112")) },
};

export function signingAlgorithm(type: KeyType): SigningAlgorithm {
  return ALGORITHMS[type];
}

/** The kind of an existing key. Throws KEY_INVALID for kinds that are not used here. */
export function keyTypeOf(key: KeyObject): KeyType {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ec" && details?.namedCurve === "prime256v1") return "ec-p256";
  if (type === "ec" && details?.namedCurve === "secp384r1") return "ec-p384";
  if (type === "ed25519") return "ed25519";
  const bits = details?.modulusLength;
  if (type === "rsa" && (bits === 2048 || bits === 3072 || bits === 4096)) return `rsa-${bits}`;
  throw new CaError("KEY_INVALID", `keys of type ${type} ${details?.namedCurve ?? bits ?? ""} are not supported`);
}

export function signatureAlgorithm(key: KeyObject): SigningAlgorithm {
  return ALGORITHMS[keyTypeOf(key)];
}

/** A new private key from the platform's generator. */
export function newPrivateKey(type: KeyType): KeyObject {
  if (type === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  if (type === "ec-p256" || type === "ec-p384")
    return generateKeyPairSync("ec", { namedCurve: type === "ec-p256" ? "P-256" : "P-384" }).privateKey;
  return generateKeyPairSync("rsa", { modulusLength: Number(type.slice(4)) }).privateKey;
}
