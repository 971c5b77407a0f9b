import { structurallyEqual } from "@fairlead/model";
import type { Resources } from "../resources.ts";

/** One resource of a proxy that is not what it was. */
export interface ResourceChange {
  readonly type: keyof Resources;
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** JSON pointers (RFC 6901) of the outermost parts that differ; empty for added and removed ones. */
  readonly parts: readonly string[];
}

const TYPES = ["listeners", "routes", "clusters", "endpoints"] as const;

/** The resources that differ in meaning: the order of resources is none, the order within one counts. */
export function compareResources(before: Resources, after: Resources): readonly ResourceChange[] {
  return TYPES.flatMap((type) => {
    const old = byName(before[type] ?? []);
    const now = byName(after[type] ?? []);
    return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name): ResourceChange[] => {
      const [left, right] = [old.get(name), now.get(name)];
      if (left === undefined) return [{ type, name, change: "added", parts: [] }];
      if (right === undefined) return [{ type, name, change: "removed", parts: [] }];
      return structurallyEqual(left, right)
        ? []
        : [{ type, name, change: "changed", parts: differences(left, right, "") }];
    });
  });
}

function byName(resources: readonly object[]): ReadonlyMap<string, object> {
  return new Map(
    resources.map((resource) => {
      const { name, clusterName } = resource as { name?: string; clusterName?: string };
      return [clusterName ?? name ?? "", resource];
    }),
  );
}

function differences(a: unknown, b: unknown, at: string): readonly string[] {
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
