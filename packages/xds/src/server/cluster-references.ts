import type { EncodedResource } from "../encoded-resource.ts";
import { decode } from "../proto/codec.ts";
import { references } from "../references.ts";
import { resourceType } from "../resource-type.ts";
import { hasNoBytes, type View, withKept } from "./view.ts";

const known = new WeakMap<EncodedResource, ReadonlySet<string>>();

/** The clusters that a resource names. Worked out only when one is missing. */
export function clusterReferences(resource: EncodedResource): ReadonlySet<string> {
  const found = known.get(resource);
  if (found) return found;
  const all = references(resourceType(resource.typeUrl).shortName, decode(resource.typeUrl, resource.bytes));
  const names = new Set(all.filter(({ type }) => type === "CDS").map(({ name }) => name));
  known.set(resource, names);
  return names;
}

/**
 * `to`, but what has changed since `from` and names a missing cluster stays as it was: a route to a cluster that the client rejected
 * would answer nothing but 503. What the client never had is not kept back.
 */
export function withoutUsersOf(missing: ReadonlySet<string>, from: View, to: View): KeptBack {
  const kept = [...to.entries].flatMap(([name, resource]) => {
    const old = from.entries.get(name);
    if (!old || old.version === resource.version || old.version === "") return [];
    return [...clusterReferences(resource)].some((cluster) => missing.has(cluster)) ? [old] : [];
  });
  const clusters = new Set(kept.filter((old) => !hasNoBytes(old)).flatMap((old) => [...clusterReferences(old)]));
  return { view: kept.length === 0 ? to : withKept(to, kept), clusters };
}

export interface KeptBack {
  readonly view: View;
  /** What the resources in their old state refer to. */
  readonly clusters: ReadonlySet<string>;
}
