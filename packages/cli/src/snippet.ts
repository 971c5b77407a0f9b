import type { Position } from "@fairlead/model";

/** Widest part of a line that is shown. */
const WIDTH = 120;

interface Source {
  readonly text: string;
  readonly lines: readonly string[];
  /** First and last lines of documents that hold Secrets: nobody's to see. */
  readonly secrets: readonly (readonly [number, number])[];
}

// Findings come file by file: the last one is kept, so that a large file is taken apart once.
let last: Source | undefined;

function sourceOf(text: string): Source {
  if (last?.text === text) return last;
  const lines = text.split(/\r?\n/);
  const secrets: (readonly [number, number])[] = [];
  let first = 1;
  for (const document of text.split(/^---(?=\s|$)/m)) {
    const end = first + document.split("\n").length - 1;
    if (/^\s*"?kind"?\s*:\s*"?Secret\b/m.test(document)) secrets.push([first, end]);
    first = end;
  }
  last = { text, lines, secrets };
  return last;
}

/**
 * The line of a position, and what stands before the caret below it: blanks, and tabs where the line has them. Of a long
 * line only what is around the position. Undefined where there is no such line, or it is in a Secret.
 */
export function snippetAt(text: string, { line, column }: Position): { line: string; indent: string } | undefined {
  const { lines, secrets } = sourceOf(text);
  const whole = lines[line - 1];
  if (whole === undefined || secrets.some(([first, end]) => line >= first && line <= end)) return undefined;
  const caret = Math.min(column - 1, whole.length);
  const start = whole.length <= WIDTH || caret < WIDTH - 20 ? 0 : caret - WIDTH / 2;
  const end = Math.min(whole.length, start + WIDTH);
  const head = start > 0 ? "…" : "";
  const shown = `${head}${whole.slice(start, end)}${end < whole.length ? "…" : ""}`;
  return { line: shown, indent: `${head}${whole.slice(start, caret)}`.replace(/[^\t]/g, " ") };
}
