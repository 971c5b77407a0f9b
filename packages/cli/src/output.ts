import type { Diagnostic } from "@fairlead/model";
import type { Destination } from "@fairlead/simulator";
import type { Terminal } from "./command.ts";

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
  const line =
    position && text && !inSecret(text, position.line) ? text.split("\n", position.line)[position.line - 1] : undefined;
  if (line === undefined || !position) return;
  const gutter = String(position.line);
  terminal.out(
    `  ${gutter} | ${line.slice(0, 160)}\n  ${" ".repeat(gutter.length)} | ${" ".repeat(Math.min(position.column, 160) - 1)}${paint(terminal, severity, "^")}\n`,
  );
}

/** Whether the line belongs to a document that holds a Secret: its lines are nobody's to see. */
function inSecret(text: string, line: number): boolean {
  let first = 1;
  for (const document of text.split(/^---(?=\s|$)/m)) {
    const last = first + document.split("\n").length - 1;
    if (line >= first && line <= last && /^\s*"?kind"?\s*:\s*"?Secret\b/m.test(document)) return true;
    first = last;
  }
  return false;
}
