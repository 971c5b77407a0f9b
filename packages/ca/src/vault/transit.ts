import { createPublicKey } from "node:crypto";
import { CaError } from "../error.ts";
import { goodAnswer } from "../https-json.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { KeyManager, Records, Signer } from "../keys/signer.ts";
import { type VaultOptions, vaultEngine } from "./connection.ts";

export interface VaultTransitOptions extends VaultOptions {
  /** Where the transit secrets engine is. Default `transit`. */
  readonly mount?: string;
  /** What the names of these keys begin with there, so that several authorities may share an engine. Default `fairlead-`. */
  readonly prefix?: string;
  /** Where certificates and journals are, such as those of a `fileKeyManager`: nothing secret. */
  readonly records: Records;
}

/** Vault's names for kinds of keys, and for the digest they sign. */
const KINDS: Readonly<Partial<Record<KeyType, { readonly type: string; readonly hash: string }>>> = {
  "ec-p256": { type: "ecdsa-p256", hash: "sha2-256" },
  "ec-p384": { type: "ecdsa-p384", hash: "sha2-384" },
  "rsa-2048": { type: "rsa-2048", hash: "sha2-256" },
  "rsa-3072": { type: "rsa-3072", hash: "sha2-256" },
  "rsa-4096": { type: "rsa-4096", hash: "sha2-256" },
};

/**
 * Keys in a transit secrets engine of HashiCorp Vault (or OpenBao): made there, not exportable, and never here; each signature
 * is a request. The token needs `create`, `read`, `update`, `delete` and `list` on `MOUNT/keys/*` and `update` on `MOUNT/sign/*`.
 * Keys of Ed25519 are not offered. Rejects with REQUEST_FAILED where Vault does not answer or refuses. Throws OPTION_INVALID.
 *
 * Source: Vault documentation, "Transit secrets engine (API)".
 */
export function vaultTransitKeys(options: VaultTransitOptions): KeyManager {
  const { prefix = "fairlead-", records } = options;
  if (!/^[\w-]*$/.test(prefix)) throw new CaError("OPTION_INVALID", `${JSON.stringify(prefix)} is no prefix of names`);
  const engine = vaultEngine(options, options.mount ?? "transit");
  const pathOf = (id: string) => `keys/${prefix}${id}`;

  const getKey = async (keyId: string): Promise<Signer | undefined> => {
    const answer = await engine.ask("GET", pathOf(keyId));
    if (answer.status === 404) return undefined;
    const { data } = goodAnswer(`${engine.name}, key ${keyId},`, answer) as { readonly data?: VaultKey };
    const [keyType, kind] =
      (Object.entries(KINDS) as [KeyType, (typeof KINDS)[KeyType]][]).find(([, one]) => one?.type === data?.type) ?? [];
    const pem = data?.keys?.["1"]?.public_key;
    if (keyType === undefined || kind === undefined || pem === undefined || Object.keys(data?.keys ?? {}).length > 1)
      throw new CaError("KEY_INVALID", `the key ${keyId} in ${engine.name} is of another kind, or was rotated there`);
    return {
      keyId,
      keyType,
      publicKey: createPublicKey(pem).export({ type: "spki", format: "der" }),
      async sign(bytes) {
        const input = Buffer.from(bytes).toString("base64");
        const body = { input, marshaling_algorithm: "asn1", signature_algorithm: "pkcs1v15", key_version: 1 };
        const { signature } = await engine.data("POST", `sign/${prefix}${keyId}/${kind.hash}`, { body });
        const text = /^vault:v1:([\w+/=]+)$/.exec(String(signature))?.[1];
        if (text === undefined) throw new CaError("SIGNING_FAILED", `${engine.name} answered without signature`);
        return Buffer.from(text, "base64");
      },
    };
  };
  return {
    async generateKey(id, type) {
      const kind = KINDS[type];
      if (kind === undefined) throw new CaError("OPTION_INVALID", `keys of type ${type} are not made in Vault`);
      if (!/^[a-z0-9-]{1,64}$/.test(id)) throw new CaError("OPTION_INVALID", `${JSON.stringify(id)} is no id of a key`);
      if (await getKey(id)) throw new CaError("KEY_INVALID", `there is a key ${id} already`);
      await engine.data("POST", pathOf(id), { body: { type: kind.type, exportable: false } });
      const made = await getKey(id);
      if (made === undefined) throw new CaError("KEY_NOT_FOUND", `${engine.name} made no key ${id}`);
      return made;
    },
    getKey,
    async listKeys() {
      const answer = await engine.ask("GET", "keys?list=true");
      if (answer.status === 404) return [];
      const { data } = goodAnswer(`${engine.name}, keys,`, answer) as { readonly data?: { readonly keys?: string[] } };
      return (data?.keys ?? []).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    },
    async deleteKey(id) {
      if ((await engine.ask("GET", pathOf(id))).status === 404) return;
      await engine.data("POST", `${pathOf(id)}/config`, { body: { deletion_allowed: true } });
      await engine.data("DELETE", pathOf(id));
    },
    records,
  };
}

interface VaultKey {
  readonly type?: string;
  readonly keys?: Readonly<Record<string, { readonly public_key?: string }>>;
}
