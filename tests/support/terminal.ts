import { type ExitCode, run, type Terminal } from "@fairlead/cli";

/** A command's answer. */
export interface CommandResult {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of `fairlead` in this process. */
export async function fairlead(...words: string[]): Promise<CommandResult> {
  let [out, err] = ["", ""];
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: new AbortController().signal,
    colour: false,
  };
  const code = await run(words, terminal);
  return { code, out, err };
}
