import { CaError } from "../error.ts";
import { newPrivateKey } from "./algorithm.ts";
import { type KeyManager, localSigner, type Records, type Signer } from "./signer.ts";

/** Records that end with the process. */
export function memoryRecords(): Records {
  const held = new Map<string, { version: number; text: string }>();
  return {
    read: async (name) => held.get(name),
    async write(name, previous, text) {
      if ((held.get(name)?.version ?? 0) !== previous) return false;
      held.set(name, { version: previous + 1, text });
      return true;
    },
  };
}

/** Keys that end with the process: for tests and short-lived meshes. */
export function memoryKeyManager(): KeyManager {
  const keys = new Map<string, Signer>();
  return {
    async generateKey(id, type) {
      if (keys.has(id)) throw new CaError("KEY_INVALID", `there is a key ${id} already`);
      const signer = localSigner(id, newPrivateKey(type));
      keys.set(id, signer);
      return signer;
    },
    getKey: async (id) => keys.get(id),
    listKeys: async () => [...keys.keys()],
    deleteKey: async (id) => void keys.delete(id),
    records: memoryRecords(),
  };
}
