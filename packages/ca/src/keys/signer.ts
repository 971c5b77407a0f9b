import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { type KeyType, keyTypeOf, signingAlgorithm } from "./algorithm.ts";

/** A private key that signs and is never shown. */
export interface Signer {
  readonly keyId: string;
  readonly keyType: KeyType;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Signs with the algorithm of the key type; ECDSA signatures are DER. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /** The same without waiting, where the key is in this process. Its absence makes the authority verify what it signs. */
  signSync?(bytes: Uint8Array): Uint8Array;
}

/** Small texts (certificates, the journal) that live beside the keys. Versions make concurrent writers safe. */
export interface Records {
  /** The newest version. undefined: never written. */
  read(name: string): Promise<{ readonly version: number; readonly text: string } | undefined>;
  /** Writes version `previous + 1` (`previous` 0: the first). False: somebody else wrote it before; read again. */
  write(name: string, previous: number, text: string): Promise<boolean>;
}

/**
 * Where an authority's private keys are: memory, a directory, WebCrypto, a Vault, or, outside this package, another KMS or HSM.
 * All methods throw {@link CaError}.
 */
export interface KeyManager {
  /** Makes a key under an id of `[a-z0-9-]{1,64}` that is not in use. When it returns, the key survives a crash. */
  generateKey(id: string, type: KeyType): Promise<Signer>;
  getKey(id: string): Promise<Signer | undefined>;
  listKeys(): Promise<readonly string[]>;
  /** Destroys a key; no error when there is none. */
  deleteKey(id: string): Promise<void>;
  readonly records: Records;
}

/** A signer over a key in this process. */
export function localSigner(keyId: string, key: KeyObject): Signer & Required<Pick<Signer, "signSync">> {
  const keyType = keyTypeOf(key);
  const { hash } = signingAlgorithm(keyType);
  const signSync = (bytes: Uint8Array): Uint8Array => sign(hash, bytes, key);
  return {
    keyId,
    keyType,
    publicKey: createPublicKey(key).export({ type: "spki", format: "der" }),
    signSync,
    sign: async (bytes) => signSync(bytes),
  };
}
