import { randomBytes } from "node:crypto";
import * as fileSystem from "node:fs/promises";
import { dirname, join } from "node:path";

/** The calls on the file system that keys and records are written with; tests let single calls fail. */
export type FileSystem = Pick<
  typeof fileSystem,
  "mkdir" | "open" | "rename" | "link" | "unlink" | "readFile" | "readdir" | "stat"
>;

export const nodeFileSystem: FileSystem = fileSystem;

const TEMPORARY = /^\.tmp-/;

/** Whether a name is that of a half-written file of ours. */
export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

/**
 * Writes a file so that after a crash at any point there is either the whole of it or nothing of it: a temporary file
 * in the same directory, fsync, then rename (or, when `exclusive`, link, which fails if the name is taken), then fsync
 * of the directory. Returns false when `exclusive` and the name is taken. Errors of the file system pass through, with
 * the temporary file removed.
 */
export async function writeDurably(
  fs: FileSystem,
  path: string,
  text: string,
  options: { readonly mode: number; readonly exclusive?: boolean },
): Promise<boolean> {
  const directory = dirname(path);
  const temporary = join(directory, `.tmp-${randomBytes(8).toString("hex")}`);
  try {
    const file = await fs.open(temporary, "wx", options.mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.exclusive === true) await linkInto(fs, temporary, path);
    else await fs.rename(temporary, path);
  } catch (error) {
    await fs.unlink(temporary).catch(() => undefined);
    if (options.exclusive === true && (error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  if (options.exclusive === true) await fs.unlink(temporary).catch(() => undefined);
  await syncDirectory(fs, directory);
  return true;
}

/** What file systems without hard links answer. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Gives the file its name unless that is taken. Without hard links two processes at the very same moment are not told apart. */
async function linkInto(fs: FileSystem, temporary: string, path: string): Promise<void> {
  try {
    await fs.link(temporary, path);
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code)) throw error;
    const taken = await fs.stat(path).then(
      () => true,
      () => false,
    );
    if (taken) throw Object.assign(new Error(`${path} exists`), { code: "EEXIST" });
    await fs.rename(temporary, path);
  }
}

async function syncDirectory(fs: FileSystem, directory: string): Promise<void> {
  const handle = await fs.open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
