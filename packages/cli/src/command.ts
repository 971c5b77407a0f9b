import type { ParseArgsConfig } from "node:util";
import { CliError } from "./cli-error.ts";

/** Where a command reads and writes. */
export interface Terminal {
  /** The answer. With `-o json` exactly one JSON value. */
  out(text: string): void;
  /** Words for people. */
  err(text: string): void;
  /** Ends commands that would go on (`serve`, `--watch`). */
  readonly signal: AbortSignal;
  /** Whether the answer may carry colours. */
  readonly colour: boolean;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** What came after the command's name. */
export interface Call {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  /** `-o json` */
  readonly json: boolean;
  /** Files and folders of `-f`. */
  readonly files: readonly string[];
  /** A text option, absent when not given. */
  text(name: string): string | undefined;
}

/** 0 fine, 1 findings, 2 usage or unreadable. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  readonly summary: string;
  /** What follows the name, for the usage line. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Named arguments it needs, each `-x, --name`. */
  readonly required?: readonly string[];
  readonly positionals?: { readonly least: number; readonly most: number };
  run(call: Call, terminal: Terminal): Promise<ExitCode>;
}

/** `-f`, the mesh files and `-o`: for commands that build a mesh. */
export const MESH_OPTIONS = {
  file: { type: "string", short: "f", multiple: true },
  "mesh-config": { type: "string" },
  "mesh-networks": { type: "string" },
} as const;

/** The headers of `-H 'name: value'`, by name. */
export function parseHeaders(call: Call): Readonly<Record<string, string>> {
  const given = (call.values.header as readonly string[] | undefined) ?? [];
  return Object.fromEntries(
    given.map((text) => {
      const colon = text.indexOf(":", text.startsWith(":") ? 1 : 0);
      if (colon < 1) throw new CliError("usage", `-H takes 'name: value', not ${JSON.stringify(text)}`);
      return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
    }),
  );
}
