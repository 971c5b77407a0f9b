import type { Resources } from "../resources.ts";
import { differences } from "./pointer.ts";
import { same } from "./same.ts";

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
      return same(left, right) ? [] : [{ type, name, change: "changed", parts: differences(left, right) }];
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
