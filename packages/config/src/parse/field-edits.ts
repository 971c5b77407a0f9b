import { structurallyEqual } from "@fairlead/model";
import { formatPath, type PathSegment } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import type { TextEdit } from "./edit.ts";

/**
 * The smallest edits that turn one JSON document into another, so that what does not change keeps its comments. Lists of
 * another length are set as a whole.
 */
export function fieldEdits(
  object: TextEdit["object"],
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  const compare = (a: unknown, b: unknown, path: readonly PathSegment[]): void => {
    if (structurallyEqual(a, b)) return;
    if (isRecord(a) && isRecord(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) compare(a[key], b[key], [...path, key]);
      return;
    }
    if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
      for (const index of a.keys()) compare(a[index], b[index], [...path, index]);
      return;
    }
    edits.push({ object, path: formatPath(path), value: b });
  };
  compare(before, after, []);
  return edits;
}
