import type { Build } from "../generated.ts";
import type { Patch } from "./patches.ts";

/** How a patch finds its place in a list. */
export interface Place<T> {
  /** Whether it says which member it means. */
  readonly chosen: boolean;
  readonly matches: (member: T) => boolean;
}

/** A copy of the patch's value, which came from the patch. */
export function patchValue<T extends object>(build: Build, { value, source, path }: Patch): T {
  return build.from(structuredClone(value) as T, source, `${path}.patch.value`);
}

/**
 * Adds to, removes from and replaces in a list; merging is up to the caller. Answers whether the patch had an effect.
 * Without a member to go by, INSERT_BEFORE is the beginning and INSERT_AFTER the end.
 */
export function patchList<T extends object>(
  build: Build,
  list: T[],
  patch: Patch,
  { chosen, matches }: Place<T>,
): boolean {
  const insert = (index: number) => {
    list.splice(index, 0, patchValue<T>(build, patch));
    return true;
  };
  const at = list.findIndex(matches);
  switch (patch.operation) {
    case "ADD":
      return insert(list.length);
    case "INSERT_FIRST":
      return insert(0);
    case "INSERT_BEFORE":
      if (!chosen) return insert(0);
      return at >= 0 && insert(at);
    case "INSERT_AFTER":
      if (!chosen) return insert(list.length);
      return at >= 0 && insert(at + 1);
    case "REPLACE":
      if (!chosen || at < 0) return false;
      list[at] = patchValue<T>(build, patch);
      return true;
    case "REMOVE": {
      if (!chosen) return false;
      const kept = list.filter((member) => !matches(member));
      if (kept.length === list.length) return false;
      list.splice(0, list.length, ...kept);
      build.uses(patch.source);
      return true;
    }
    default:
      return false;
  }
}
