import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ExitCode } from "../src/command.ts";
import { run } from "../src/run.ts";

/** What a command answered. */
export interface CommandResult {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** A command that goes on until it is stopped. */
export interface RunningCommand {
  readonly result: Promise<CommandResult>;
  out(): string;
  err(): string;
  stop(): void;
}

/** Begins a command in this process; its words are kept. */
export function begin(...words: string[]): RunningCommand {
  let [out, err] = ["", ""];
  const abort = new AbortController();
  const code = run(words, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: abort.signal,
    colour: false,
  });
  return {
    result: code.then((ended) => ({ code: ended, out, err })),
    out: () => out,
    err: () => err,
    stop: () => abort.abort(),
  };
}

/** Runs a command to its end. */
export const fairlead = (...words: string[]): Promise<CommandResult> => begin(...words).result;

/** A folder with these files, removed when it is disposed of. */
export async function folderOf(
  files: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { at(...names: string[]): string }> {
  const folder = await mkdtemp(join(tmpdir(), "cli-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return {
    at: (...names) => join(folder, ...names),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
