import { parseArgs } from "node:util";
import { CliError } from "./cli-error.ts";
import type { Call, Command, ExitCode, Terminal } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { printJson } from "./output.ts";

function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, command]) => `  ${name.padEnd(width)}  ${command.summary}`);
  return `fairlead COMMAND …\n\n${lines.join("\n")}\n\nEvery command takes -o json (one JSON value on standard output) and --help.\n`;
}

function find(words: readonly string[]): {
  readonly name: string;
  readonly command: Command;
  readonly rest: readonly string[];
} {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const command = COMMANDS[name];
    if (command && words.length >= length) return { name, command, rest: words.slice(length) };
  }
  throw new CliError(
    "usage",
    words.length === 0 ? "no command was given" : `there is no command ${JSON.stringify(words[0])}`,
  );
}

function parse(command: Command, words: readonly string[]): Call & { readonly help: boolean } {
  const { least, most } = command.positionals ?? { least: 0, most: 0 };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const options = {
      ...command.options,
      output: { type: "string", short: "o" },
      help: { type: "boolean", short: "h" },
    } as const;
    parsed = parseArgs({ args: [...words], options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new CliError("usage", (error as Error).message, { cause: error });
  }
  const { values, positionals } = parsed;
  const output = values.output;
  const text = (name: string) => (typeof values[name] === "string" ? values[name] : undefined);
  const files = (values.file as readonly string[] | undefined) ?? [];
  const call = { values, positionals, json: output === "json", files, text, help: values.help === true };
  if (call.help) return call;
  if (output !== undefined && output !== "json" && output !== "text")
    throw new CliError("usage", `-o takes json or text, not ${JSON.stringify(output)}`);
  for (const name of command.required ?? [])
    if (values[name] === undefined) throw new CliError("usage", `--${name} is needed`);
  if (positionals.length < least || positionals.length > most)
    throw new CliError("usage", `unexpected arguments: ${JSON.stringify(positionals)}`);
  return call;
}

/** Runs one command. Never throws for what a user can cause; a fault of ours is reported with its stack. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first] = words;
  if (first === "--help" || first === "-h" || first === "help") {
    if (asksForJson(words)) printJson(terminal, { commands: Object.keys(COMMANDS) });
    else terminal.out(usage());
    return 0;
  }
  let name = "";
  try {
    const found = find(words);
    name = found.name;
    const call = parse(found.command, found.rest);
    if (call.help) {
      const { usage: words, summary } = found.command;
      if (call.json) printJson(terminal, { usage: `fairlead ${name} ${words}`, summary });
      else terminal.out(`fairlead ${name} ${words}\n\n${summary}\n`);
      return 0;
    }
    return await found.command.run(call, terminal);
  } catch (error) {
    const expected = error instanceof CliError;
    const message = expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(`fairlead: ${message}\n`);
    if (expected && error.code === "usage")
      terminal.err(name ? `usage: fairlead ${name} ${COMMANDS[name]?.usage}\n` : `\n${usage()}`);
    if (asksForJson(words))
      terminal.out(`${JSON.stringify({ error: { code: expected ? error.code : "internal", message } })}\n`);
    return 2;
  }
}

function asksForJson(words: readonly string[]): boolean {
  return words.some(
    (word, index) =>
      word === "-ojson" ||
      word === "--output=json" ||
      (word === "json" && ["-o", "--output"].includes(words[index - 1] ?? "")),
  );
}
