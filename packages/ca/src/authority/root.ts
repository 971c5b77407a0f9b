import type { TrustDomain } from "@fairlead/model";
import { certificatePem, createAuthorityCertificate, subjectKeyId } from "../certificate/authority-certificate.ts";
import { serialNumber } from "../certificate/leaf.ts";
import type { Clock } from "../clock.ts";
import { CaError } from "../error.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { KeyManager, Signer } from "../keys/signer.ts";
import type { Slot } from "./journal.ts";

export interface RootOptions {
  readonly keys: KeyManager;
  readonly keyType: KeyType;
  readonly trustDomain: TrustDomain;
  readonly rootTtlSeconds: number;
  readonly clock: Clock;
  readonly random: (size: number) => Uint8Array;
  /**
   * Named after the step it is for, so that what a crash or another process left before the journal was written is
   * found and used, and no key is left over.
   */
  readonly keyId: string;
}

/** Makes a self-signed root and its key, as a slot that is prepared. The journal is the caller's to write. */
export async function createRoot(options: RootOptions): Promise<Slot> {
  const { keys, keyType, trustDomain, rootTtlSeconds, clock, random, keyId } = options;
  const signer = await findOrMakeKey(keys, keyId, keyType);
  const now = clock.now();
  const id = subjectKeyId(signer.publicKey);
  const certificate = await createAuthorityCertificate({
    trustDomain,
    name: `root ${id.slice(0, 16)}`,
    publicKey: signer.publicKey,
    notBefore: now - 120_000,
    notAfter: now + rootTtlSeconds * 1000,
    serial: serialNumber(random),
    signer,
  });
  return { id, keyId, status: "prepared", certificate: certificatePem(certificate), preparedAt: now };
}

/** A key that is there already, from before a crash or by another process, or a new one. */
export async function findOrMakeKey(keys: KeyManager, keyId: string, keyType: KeyType): Promise<Signer> {
  const found = await keys.getKey(keyId);
  if (found !== undefined) return found;
  return keys.generateKey(keyId, keyType).catch(async (error: unknown) => {
    const made = await keys.getKey(keyId).catch(() => undefined);
    if (made === undefined) throw error;
    return made;
  });
}

/** The key of a slot. Throws KEY_NOT_FOUND. */
export async function mustFindKey(keys: KeyManager, keyId: string): Promise<Signer> {
  const signer = await keys.getKey(keyId);
  if (signer === undefined)
    throw new CaError("KEY_NOT_FOUND", `the authority's key ${keyId} is gone; its certificate is useless without it`);
  return signer;
}
