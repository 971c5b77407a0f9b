import type { PathSegment } from "../common/path.ts";

/** Nesting deeper than this is refused; the deepest schema needs about 15 levels, free-form Envoy config about 40. */
export const MAX_DEPTH = 100;

/** What is wrong with data that nobody writes in good faith; undefined when it is fine. */
export function findHostile(value: unknown): { code: string; message: string; path: PathSegment[] } | undefined {
  const path: PathSegment[] = [];
  const visit = (item: unknown): { code: string; message: string } | undefined => {
    if (typeof item !== "object" || item === null) return undefined;
    if (path.length >= MAX_DEPTH) return { code: "too-deep", message: `nested deeper than ${MAX_DEPTH} levels` };
    if (Array.isArray(item)) {
      for (let index = 0; index < item.length; index++) {
        path.push(index);
        const fault = visit(item[index]);
        if (fault) return fault;
        path.pop();
      }
      return undefined;
    }
    for (const key of Object.keys(item)) {
      const child = (item as Readonly<Record<string, unknown>>)[key];
      path.push(key);
      if (key === "__proto__" || ((key === "constructor" || key === "prototype") && typeof child === "object"))
        return { code: "forbidden-key", message: `the key ${key} is refused: it could tamper with JavaScript objects` };
      const fault = visit(child);
      if (fault) return fault;
      path.pop();
    }
    return undefined;
  };
  const fault = visit(value);
  return fault && { ...fault, path };
}
