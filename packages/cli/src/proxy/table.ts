import type { Terminal } from "../command.ts";
import { paint } from "../output.ts";

/** Prints rows under headings, columns as wide as their widest cell. */
export function printTable(
  terminal: Terminal,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  terminal.out(`${paint(terminal, "bold", line(headings))}\n`);
  for (const row of rows) terminal.out(`${line(row)}\n`);
}
