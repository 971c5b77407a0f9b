import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "./cli-error.ts";

export interface TextFile {
  readonly file: string;
  readonly text: string;
}

const CONFIG_FILE = /\.(ya?ml|json)$/i;

async function expand(path: string): Promise<readonly string[]> {
  const found = await stat(path);
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory() && CONFIG_FILE.test(entry.name) && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** UTF-8, or UTF-16 with its mark, which YAML allows too. Throws for other bytes: nothing is read that is not there. */
function textOf(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: encoding === "utf-8" }).decode(bytes);
  } catch {
    const good = new TextDecoder(encoding).decode(bytes);
    const before = good.slice(0, good.indexOf("\ufffd"));
    const line = before.split("\n").length;
    throw new Error(
      `line ${line}, column ${before.length - before.lastIndexOf("\n")} is no ${encoding.toUpperCase()} text`,
    );
  }
}

/** One text file. */
export async function readText(path: string): Promise<string> {
  try {
    return textOf(path === "-" ? await standardInput() : await readFile(path));
  } catch (error) {
    throw new CliError("unreadable", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The files of `-f`: each once, folders searched for .yaml, .yml and .json, `-` for standard input. */
export async function readFiles(paths: readonly string[]): Promise<readonly TextFile[]> {
  if (paths.length === 0) throw new CliError("usage", "-f FILE or FOLDER is needed");
  const names: string[] = [];
  for (const path of paths) {
    try {
      names.push(...(path === "-" ? ["-"] : await expand(path)));
    } catch (error) {
      throw new CliError("unreadable", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }
  return Promise.all([...new Set(names)].map(async (file) => ({ file, text: await readText(file) })));
}
