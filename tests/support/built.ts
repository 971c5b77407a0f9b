import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hasTool } from "./tool.ts";

/** A program in Go that takes long to build. */
export interface BigProgram {
  /** Of its file in the cache. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** How long a first build takes, for people. */
  readonly cost: string;
  /** What it is built from, as text and files: another one is built anew. */
  readonly from: { readonly text?: string; readonly files?: readonly string[] };
  /** Milliseconds that a build may take. Default: as long as it does. */
  readonly timeout?: number;
  /** Arguments of `go` by which the program comes to be at `path`, a folder that it is run in and more environment. */
  go(path: string): { readonly args: readonly string[]; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv };
}

/** The program, built once into the user's cache. Says once a minute that it is still being built. */
export async function built({ name, title, cost, from, timeout, go }: BigProgram): Promise<string> {
  const hash = createHash("sha256");
  if (from.text !== undefined) hash.update(from.text);
  for (const file of from.files ?? []) hash.update(await readFile(file));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fairlead");
  const binary = join(cache, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  // A folder, because `go install` names its file itself.
  const folder = join(cache, `${name}-${process.pid}.tmp`);
  await mkdir(folder, { recursive: true });
  const started = Date.now();
  const minutes = () => ((Date.now() - started) / 60_000).toFixed(1);
  console.error(`building ${title} (once, ${cost}) …`);
  const progress = setInterval(() => console.error(`building ${title}: ${minutes()} min …`), 60_000);
  const made = join(folder, name);
  try {
    const { args, cwd, env } = go(made);
    await promisify(execFile)("go", [...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, CGO_ENABLED: "0", ...env },
      maxBuffer: 64 * 1024 * 1024,
      ...(timeout === undefined ? {} : { timeout }),
    });
    await rename(made, binary);
  } finally {
    clearInterval(progress);
    await rm(folder, { recursive: true, force: true });
  }
  console.error(`${title} is there after ${minutes()} min`);
  return binary;
}

/** Whether the program can be had here. Where all is to be tested (`CI`), it must be. */
export async function canBeBuilt(program: BigProgram, what: string): Promise<boolean> {
  if (!(await hasTool("go", ["version"], what))) return false;
  try {
    await built(program);
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`skipped: ${what}: ${program.title} could not be built: ${(error as Error).message.slice(0, 500)}`);
    return false;
  }
}
