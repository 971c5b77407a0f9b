import { join } from "node:path";
import { CaError, toCaError } from "../error.ts";
import { type FileSystem, writeDurably } from "./durable-file.ts";
import type { Records } from "./signer.ts";

/** Versions behind the newest that are kept, for people who look for what happened. */
const KEPT = 3;

/**
 * Records as files `NAME.VERSION.json`. A version is linked into place, which fails if another process was first: so
 * two replicas on one directory never overwrite each other, without a lock that a crash could leave behind.
 */
export function fileRecords(directory: string, fs: FileSystem): Records {
  const versions = async (name: string): Promise<number[]> => {
    const names = await fs.readdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const pattern = /^(.+)\.(\d{1,9})\.json$/;
    return names
      .map((file) => pattern.exec(file))
      .filter((match) => match?.[1] === name)
      .map((match) => Number(match?.[2]))
      .sort((a, b) => b - a);
  };
  const file = (name: string, version: number) => join(directory, `${name}.${version}.json`);
  return {
    async read(name) {
      for (let attempt = 0; ; attempt++) {
        try {
          const [version] = await versions(name);
          if (version === undefined) return undefined;
          return { version, text: await fs.readFile(file(name, version), "utf8") };
        } catch (error) {
          // Another process may have removed the version between listing and reading.
          if ((error as NodeJS.ErrnoException).code === "ENOENT" && attempt < 3) continue;
          throw toCaError(error, "STORE_FAILED", `reading ${name} in ${directory}: ${(error as Error).message}`);
        }
      }
    },
    async write(name, previous, text) {
      if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new CaError("OPTION_INVALID", `${name} is not a record name`);
      try {
        await fs.mkdir(directory, { recursive: true, mode: 0o700 });
        const held = await versions(name);
        if ((held[0] ?? 0) !== previous) return false;
        const done = await writeDurably(fs, file(name, previous + 1), text, { mode: 0o600, exclusive: true });
        if (done)
          for (const old of held.filter((version) => version <= previous - KEPT))
            await fs.unlink(file(name, old)).catch(() => undefined);
        return done;
      } catch (error) {
        throw toCaError(error, "STORE_FAILED", `writing ${name} in ${directory}: ${(error as Error).message}`);
      }
    },
  };
}
