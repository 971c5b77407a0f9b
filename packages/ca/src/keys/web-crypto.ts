import type { webcrypto } from "node:crypto";
import { Crypto } from "@peculiar/webcrypto";
import { sequence, unsignedInteger } from "../der/writer.ts";
import { CaError } from "../error.ts";
import { memoryRecords } from "./memory.ts";
import type { KeyManager, Records, Signer } from "./signer.ts";

const CURVES = { "ec-p256": "P-256", "ec-p384": "P-384" } as const;
const HASHES = { "ec-p256": "SHA-256", "ec-p384": "SHA-384" } as const;

/**
 * Keys that cannot be exported, held by a WebCrypto implementation: by default `@peculiar/webcrypto`; one for PKCS #11
 * has the same interface. P-256 and P-384. The keys end with the process unless the implementation keeps them.
 */
export function webCryptoKeyManager(
  options: { readonly crypto?: { readonly subtle: webcrypto.SubtleCrypto }; readonly records?: Records } = {},
): KeyManager {
  const { subtle } = options.crypto ?? new Crypto();
  const signers = new Map<string, Signer>();
  return {
    async generateKey(id, keyType) {
      if (signers.has(id)) throw new CaError("KEY_INVALID", `there is a key ${id} already`);
      if (keyType !== "ec-p256" && keyType !== "ec-p384")
        throw new CaError("OPTION_INVALID", `WebCrypto keys are ec-p256 or ec-p384, not ${keyType}`);
      const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: CURVES[keyType] }, false, ["sign", "verify"]);
      const signer: Signer = {
        keyId: id,
        keyType,
        publicKey: new Uint8Array(await subtle.exportKey("spki", pair.publicKey)),
        async sign(bytes) {
          const algorithm = { name: "ECDSA", hash: HASHES[keyType] };
          const raw = new Uint8Array(await subtle.sign(algorithm, pair.privateKey, Uint8Array.from(bytes)));
          const half = raw.length / 2;
          return sequence(unsignedInteger(raw.subarray(0, half)), unsignedInteger(raw.subarray(half)));
        },
      };
      signers.set(id, signer);
      return signer;
    },
    getKey: async (id) => signers.get(id),
    listKeys: async () => [...signers.keys()],
    deleteKey: async (id) => void signers.delete(id),
    records: options.records ?? memoryRecords(),
  };
}
