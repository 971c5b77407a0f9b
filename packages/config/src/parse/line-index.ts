import type { Position } from "@fairlead/model";

/** Offsets at which the lines of a text start. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let index = text.indexOf("\n"); index >= 0; index = text.indexOf("\n", index + 1)) starts.push(index + 1);
  return starts;
}

/** Line and column (both from 1) of an offset in a text that itself starts at `firstLine` (from 0) of `file`. */
export function positionIn(file: string, starts: readonly number[], offset: number, firstLine: number): Position {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file, line: firstLine + low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
