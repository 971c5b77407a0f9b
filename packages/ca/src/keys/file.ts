import { createPrivateKey, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { CaError, toCaError } from "../error.ts";
import { newPrivateKey } from "./algorithm.ts";
import { type FileSystem, isTemporary, nodeFileSystem, writeDurably } from "./durable-file.ts";
import { fileRecords } from "./file-records.ts";
import { type KeyManager, localSigner, type Signer } from "./signer.ts";

export interface FileKeyManagerOptions {
  /** Encrypts the key files (PKCS #8, AES-256-CBC). */
  readonly passphrase?: string;
  readonly fileSystem?: FileSystem;
}

const ID = /^[a-z0-9-]{1,64}$/;
const SUFFIX = ".key.pem";

/**
 * Keys in a directory, one PKCS #8 file `ID.key.pem` each, mode 0600, in a directory of mode 0700. Files are written to a
 * temporary name, synced and renamed, so that no crash and no full disk leaves the directory unusable. A key file that
 * others may read, that does not parse or has another passphrase is refused (KEY_PERMISSIONS, KEY_INVALID), never
 * replaced. The same directory holds the records, see {@link fileRecords}.
 */
export function fileKeyManager(directory: string, options: FileKeyManagerOptions = {}): KeyManager {
  const { passphrase, fileSystem: fs = nodeFileSystem } = options;
  const path = (id: string) => {
    if (!ID.test(id)) throw new CaError("OPTION_INVALID", `${JSON.stringify(id)} is not a key id`);
    return join(directory, id + SUFFIX);
  };
  const guard = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw toCaError(error, "STORE_FAILED", `${what} in ${directory}: ${(error as Error).message}`);
    }
  };
  const read = async (id: string): Promise<Signer | undefined> => {
    const file = path(id);
    let text: string;
    try {
      const { mode } = await fs.stat(file);
      if ((mode & 0o077) !== 0 && process.platform !== "win32")
        throw new CaError(
          "KEY_PERMISSIONS",
          `${file} may be read or written by others (mode ${(mode & 0o777).toString(8)}); make it 600`,
        );
      text = await fs.readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return localSigner(id, parsePrivateKey(text, file, passphrase));
  };
  return {
    generateKey: (id, type) =>
      guard(`writing the key ${id}`, async () => {
        const file = path(id);
        await fs.mkdir(directory, { recursive: true, mode: 0o700 });
        await removeStale(fs, directory);
        const key = newPrivateKey(type);
        const text = key.export({
          type: "pkcs8",
          format: "pem",
          ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
        });
        if (!(await writeDurably(fs, file, String(text), { mode: 0o600, exclusive: true })))
          throw new CaError("KEY_INVALID", `there is a key ${id} already`);
        return localSigner(id, key);
      }),
    getKey: (id) => guard(`reading the key ${id}`, () => read(id)),
    listKeys: () =>
      guard("listing the keys", async () => {
        const names = await fs.readdir(directory).catch((error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") return [];
          throw error;
        });
        return names
          .filter((name) => name.endsWith(SUFFIX) && !isTemporary(name))
          .map((name) => name.slice(0, -SUFFIX.length));
      }),
    deleteKey: (id) =>
      guard(`deleting the key ${id}`, async () => {
        await fs.unlink(path(id)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        });
      }),
    records: fileRecords(directory, fs),
  };
}

/** Reads a private key PEM. Throws KEY_INVALID that names the file and nothing of its contents. */
export function parsePrivateKey(text: string, file: string, passphrase?: string): KeyObject {
  try {
    return createPrivateKey({ key: text, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "not a private key in PEM";
    throw new CaError("KEY_INVALID", `${file} cannot be read as a private key (${reason})`);
  }
}

/** A temporary file this old is a crash's, not another process at work. Milliseconds. */
const STALE_AFTER = 600_000;

async function removeStale(fs: FileSystem, directory: string): Promise<void> {
  for (const name of (await fs.readdir(directory)).filter(isTemporary))
    try {
      const path = join(directory, name);
      if (Date.now() - (await fs.stat(path)).mtimeMs > STALE_AFTER) await fs.unlink(path);
    } catch {
      // Somebody else removed it, or it stays until the next time: it is in nobody's way.
    }
}
