import type { Position } from "@fairlead/model";

/** Line and column (both from 1) of an offset in a text that itself starts at `firstLine` (from 0) of `file`. */
export function positionIn(file: string, text: string, offset: number, firstLine: number): Position {
  let line = firstLine + 1;
  let lineStart = 0;
  for (let index = text.indexOf("\n"); index >= 0 && index < offset; index = text.indexOf("\n", index + 1)) {
    line++;
    lineStart = index + 1;
  }
  return { file, line, column: offset - lineStart + 1 };
}
