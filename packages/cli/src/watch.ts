import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CliError } from "./cli-error.ts";
import type { Call, ExitCode, Terminal } from "./command.ts";
import { paint } from "./output.ts";

/** `--watch`, for commands that answer about files. */
export const WATCH_OPTION = { watch: { type: "boolean" } } as const;

/** What a command read: the texts of its files, and anything else an answer depends on. */
export interface WatchedInput {
  readonly files: readonly { readonly file: string; readonly text: string }[];
}

export interface Watched<T extends WatchedInput> {
  /** Files and folders; folders with all that is in them. */
  readonly paths: readonly string[];
  read(): Promise<T>;
  answer(input: T): ExitCode;
}

/** Editors write a file in several steps; all that happens within this time (in milliseconds) is one change. */
const SETTLE = 50;
/** How often to look, in milliseconds, where the system cannot watch. */
const POLL = 1000;

/**
 * Answers once or, with `--watch`, again whenever a file's text has changed, until the terminal's signal. What cannot be read
 * ends the first run; later ones say so and wait. The exit code is that of the last answer.
 */
export async function answerOrWatch<T extends WatchedInput>(
  call: Call,
  terminal: Terminal,
  { paths, read, answer }: Watched<T>,
): Promise<ExitCode> {
  if (!call.values.watch) return answer(await read());
  if (call.json) throw new CliError("usage", "--watch has no -o json: that prints exactly one value");
  if (paths.includes("-")) throw new CliError("usage", "--watch needs files or folders, not standard input");
  const bell = new Bell();
  const watchers = watchAll(paths, () => bell.ring());
  const stop = () => bell.ring();
  terminal.signal.addEventListener("abort", stop, { once: true });
  try {
    let last = await read();
    let code = answer(last);
    terminal.out(paint(terminal, "dim", "watching for changes; Ctrl-C ends\n"));
    let fault = "";
    for (;;) {
      await bell.wait(terminal.signal);
      if (terminal.signal.aborted) return code;
      try {
        const input = await read();
        if (isDeepStrictEqual(input, last) && fault === "") continue;
        terminal.out(`\n${paint(terminal, "bold", `──── ${describeChange(last, input)} ────`)}\n`);
        [last, fault] = [input, ""];
        code = answer(input);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        if (error.message !== fault) terminal.err(`fairlead: ${error.message}\n`);
        fault = error.message;
        code = 2;
      }
    }
  } finally {
    terminal.signal.removeEventListener("abort", stop);
    watchers.close();
  }
}

/** Rings that nobody waits for are kept, as one. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Waits for a ring and until it has been quiet for a while after it. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (!this.#rung) await this.#nextRing();
    this.#wake = undefined;
    while (this.#rung && !signal.aborted) {
      this.#rung = false;
      await new Promise((resolve) => setTimeout(resolve, SETTLE));
    }
  }

  #nextRing(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function watchAll(paths: readonly string[], changed: () => void): { close(): void } {
  const watchers: FSWatcher[] = [];
  let poll: NodeJS.Timeout | undefined;
  const startPolling = () => {
    poll ??= setInterval(changed, POLL);
  };
  for (const path of paths) {
    try {
      const isFolder = statSync(path).isDirectory();
      // A file's folder, because files are replaced rather than written to.
      const watcher = watch(isFolder ? path : dirname(path), { recursive: isFolder }, changed);
      watcher.on("error", startPolling);
      watchers.push(watcher);
    } catch {
      startPolling();
    }
  }
  return {
    close() {
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function describeChange(before: WatchedInput, after: WatchedInput): string {
  const old = new Map(before.files.map(({ file, text }) => [file, text]));
  const changed = after.files.filter(({ file, text }) => old.get(file) !== text).map(({ file }) => file);
  const kept = new Set(after.files.map(({ file }) => file));
  const gone = before.files.filter(({ file }) => !kept.has(file)).map(({ file }) => `${file} (removed)`);
  const names = [...changed, ...gone];
  if (names.length === 0) return "settings changed";
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return `${names.slice(0, 3).join(", ")}${more} changed`;
}
