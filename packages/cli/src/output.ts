import type { Diagnostic } from "@fairlead/model";
import type { Destination } from "@fairlead/simulator";
import type { Terminal } from "./command.ts";
import { snippetAt } from "./snippet.ts";

/** One JSON value, indented for people who look at it. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

const COLOURS: Readonly<Record<string, number>> = { error: 31, warning: 33, info: 36, good: 32, dim: 2, bold: 1 };

export function paint(terminal: Terminal, colour: keyof typeof COLOURS, text: string): string {
  return terminal.colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}

/** The part of a destination that the JSON of a command promises. */
export function destinationRecord({ service, subset, port, cluster, share }: Destination): object {
  return { service, subset, port, cluster, share };
}

/** Says on stderr which objects the answer does without, because they are in error. */
export function printLeftOut(terminal: Terminal, diagnostics: readonly Diagnostic[]): void {
  for (const { severity, message, position } of diagnostics)
    if (severity === "error")
      terminal.err(`${position ? `${position.file}:${position.line}: ` : ""}left out: ${message}\n`);
}

/** A finding as a compiler shows it: place, message, the line of the file with a caret under the column. */
export function printFinding(terminal: Terminal, finding: Diagnostic, text: string | undefined): void {
  const { position, severity, message, path, code } = finding;
  const place = position ? `${position.file}:${position.line}:${position.column}: ` : "";
  const field = path ? `${path}: ` : "";
  terminal.out(
    `${paint(terminal, "bold", place)}${paint(terminal, severity, severity)}: ${field}${message} ${paint(terminal, "dim", `[${code}]`)}\n`,
  );
  const snippet = position && text !== undefined ? snippetAt(text, position) : undefined;
  if (snippet === undefined || !position) return;
  const gutter = String(position.line);
  terminal.out(
    `  ${gutter} | ${snippet.line}\n  ${" ".repeat(gutter.length)} | ${snippet.indent}${paint(terminal, severity, "^")}\n`,
  );
}
