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

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** One text file. */
export async function readText(path: string): Promise<string> {
  try {
    return path === "-" ? await standardInput() : await readFile(path, "utf8");
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
