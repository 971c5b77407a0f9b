import { structurallyEqual } from "@fairlead/model";

/** JSON pointers (RFC 6901) of the outermost parts that differ; lists of different lengths differ as a whole. */
export function differences(a: unknown, b: unknown, at = ""): readonly string[] {
  if (structurallyEqual(a, b)) return [];
  const keys = sharedKeys(a, b);
  if (keys === undefined) return [at];
  return keys.flatMap((key) => {
    const pointer = `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    return differences((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], pointer);
  });
}

/** The keys to go on with; undefined where the two differ as a whole: leaves, and lists of different lengths. */
function sharedKeys(a: unknown, b: unknown): readonly string[] | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return undefined;
  if (Array.isArray(a) !== Array.isArray(b) || (Array.isArray(a) && a.length !== (b as unknown[]).length))
    return undefined;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
