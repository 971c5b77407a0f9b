import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Changes whenever a file's content may have: inode, size, and times to the nanosecond. */
export type FileSignature = string;

export interface Scan {
  readonly files: ReadonlyMap<string, FileSignature>;
  /** Folders in which an event can mean a change, those that links point into included. */
  readonly folders: ReadonlySet<string>;
  /** Folders all of whose files are read, as opposed to those that links or single files are in. */
  readonly listed: ReadonlySet<string>;
  /** Whether links were followed: then an event may mean another path than it names. */
  readonly links: boolean;
  /** Given paths that are not there. */
  readonly missing: readonly string[];
}

const CONFIG_FILE = /\.(ya?ml|json)$/i;

async function signatureOf(
  path: string,
): Promise<{ signature: FileSignature; folder: boolean; file: boolean } | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    const signature = `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
    return { signature, folder: found.isDirectory(), file: found.isFile() };
  } catch {
    return undefined;
  }
}

/** Finds the configuration files under the paths, in order of name. Links are followed, each folder once. */
export async function scanFiles(paths: readonly string[]): Promise<Scan> {
  const files = new Map<string, FileSignature>();
  const folders = new Set<string>();
  const listed = new Set<string>();
  let links = false;
  const missing: string[] = [];
  const visited = new Set<string>();

  const visitFolder = async (folder: string): Promise<void> => {
    const real = await realpath(folder).catch(() => undefined);
    if (real === undefined || visited.has(real)) return;
    visited.add(real);
    folders.add(folder);
    listed.add(folder);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (isSkipped(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await visitFolder(path);
      else if (entry.isSymbolicLink()) await visitLink(path);
      else if (entry.isFile() && CONFIG_FILE.test(entry.name)) await addFile(path);
    }
  };
  const visitLink = async (path: string): Promise<void> => {
    links = true;
    const found = await signatureOf(path);
    if (found?.folder) return visitFolder(path);
    if (!found?.file || !CONFIG_FILE.test(path)) return;
    files.set(path, found.signature);
    folders.add(dirname(await realpath(path).catch(() => path)));
  };
  const addFile = async (path: string): Promise<void> => {
    const found = await signatureOf(path);
    if (found?.file) files.set(path, found.signature);
  };

  for (const path of paths) {
    const found = await signatureOf(path);
    if (found === undefined) {
      missing.push(path);
      folders.add(dirname(path));
    } else if (found.folder) await visitFolder(path);
    else {
      files.set(path, found.signature);
      folders.add(dirname(path));
    }
  }
  return { files, folders, listed, links, missing };
}

function isSkipped(name: string): boolean {
  return name.startsWith(".") || name === "node_modules";
}

/**
 * What became of the paths that events named since a scan: a signature, or undefined for a file that is gone. Answers
 * undefined where only a scan can tell: folders came or went, links are about, or the path is none of a listed folder.
 */
export async function lookAt(
  paths: ReadonlySet<string>,
  since: Scan,
): Promise<ReadonlyMap<string, FileSignature | undefined> | undefined> {
  if (since.links) return undefined;
  const found = new Map<string, FileSignature | undefined>();
  for (const path of paths) {
    if (since.folders.has(path) || !since.listed.has(dirname(path))) return undefined;
    if (isSkipped(basename(path))) continue;
    const entry = await lstat(path).catch(() => undefined);
    if (entry !== undefined && !entry.isFile()) return undefined;
    if (!CONFIG_FILE.test(path)) continue;
    found.set(path, entry && (await signatureOf(path))?.signature);
  }
  return found;
}

/** Reads a file whose signature was just taken; `changing` when somebody is writing to it meanwhile. */
export async function readSettled(
  file: string,
  signature: FileSignature,
): Promise<{ text: string } | { error: Error } | "changing"> {
  try {
    const text = await readFile(file, "utf8");
    const after = await signatureOf(file);
    return after?.signature === signature ? { text } : "changing";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "changing";
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}
