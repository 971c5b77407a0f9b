import { createHash } from "node:crypto";
import { type EncodedResource, resourceFromBytes } from "../encoded-resource.ts";
import { encode } from "../proto/codec.ts";
import type { ResourceType } from "../resource-type.ts";
import type { ResourceSet } from "./source.ts";
import { isAskedFor, isInCollection, type Subscription } from "./subscription.ts";

/**
 * What a stream has, or is to have, of one type. Immutable, and made once for all streams with the same resources and
 * subscription: a stream holds references, never copies.
 */
export interface View {
  readonly entries: ReadonlyMap<string, EncodedResource>;
  /** Names asked for by name that do not exist, and are answered as removed. */
  readonly absent: ReadonlySet<string>;
}

/** The way from one view to another. */
export interface Difference {
  readonly from: View;
  readonly to: View;
  /** Added or changed. */
  readonly upserts: readonly EncodedResource[];
  /** Names that went away or turned out not to exist. */
  readonly removed: readonly string[];
}

const NO_NAMES: ReadonlySet<string> = new Set();
const NO_SET: ResourceSet = { resources: new Map() };

export const EMPTY_VIEW: View = { entries: new Map(), absent: NO_NAMES };

/** A function of two objects, remembered for as long as both live. */
export function pairwise<A extends object, B extends object, R>(compute: (a: A, b: B) => R): (a: A, b: B) => R {
  const outer = new WeakMap<A, WeakMap<B, { readonly result: R }>>();
  return (a, b) => {
    let inner = outer.get(a);
    if (!inner) {
      inner = new WeakMap();
      outer.set(a, inner);
    }
    const found = inner.get(b);
    if (found) return found.result;
    const result = compute(a, b);
    inner.set(b, { result });
    return result;
  };
}

const placeholders = new Map<string, WeakRef<EncodedResource>>();
const isPlaceholder = new WeakSet<EncodedResource>();
const collected = new FinalizationRegistry<string>((key) => {
  if (placeholders.get(key)?.deref() === undefined) placeholders.delete(key);
});

/** The empty message that answers for a name that does not exist. */
export function placeholder(type: ResourceType, name: string): EncodedResource {
  const key = `${type.typeUrl} ${name}`;
  const found = placeholders.get(key)?.deref();
  if (found) return found;
  const made = resourceFromBytes(type.typeUrl, name, encode(type.typeUrl, { [type.nameField]: name }));
  placeholders.set(key, new WeakRef(made));
  collected.register(made, key);
  isPlaceholder.add(made);
  return made;
}

function select(type: ResourceType, set: ResourceSet, { wildcard, names, globs }: Subscription): View {
  if (wildcard && names.size === 0) return { entries: set.resources, absent: NO_NAMES };
  const entries = new Map<string, EncodedResource>(wildcard ? set.resources : undefined);
  const absent = new Set<string>();
  const found = new Set<string>();
  for (const glob of globs)
    for (const [name, resource] of set.resources)
      if (isInCollection(glob, name)) {
        entries.set(name, resource);
        found.add(glob);
      }
  for (const name of names) {
    if (found.has(name)) continue;
    const resource = set.resources.get(name);
    if (resource) entries.set(name, resource);
    else if (type.unknown === "empty" && !globs.includes(name)) entries.set(name, placeholder(type, name));
    else absent.add(name);
  }
  return { entries, absent };
}

const views = new Map<string, (set: ResourceSet, subscription: Subscription) => View>();

/** What a subscription selects of a set. */
export function viewOf(type: ResourceType, set: ResourceSet | undefined, subscription: Subscription): View {
  // The answer for unknown names differs by type, and the empty set is one for all of them.
  let view = views.get(type.typeUrl);
  if (!view) {
    view = pairwise((resources: ResourceSet, wanted: Subscription) => select(type, resources, wanted));
    if (views.size < 1000) views.set(type.typeUrl, view);
  }
  return view(set ?? NO_SET, subscription);
}

/** What remains of a view when the subscription has become narrower. */
export const restrict: (view: View, subscription: Subscription) => View = pairwise((view, subscription) => {
  const absent = new Set([...view.absent].filter((name) => subscription.names.has(name)));
  const entries = new Map([...view.entries].filter(([name]) => isAskedFor(subscription, name)));
  return entries.size === view.entries.size && absent.size === view.absent.size ? view : { entries, absent };
});

/** What `from` has and `to` does not: gone, or replaced by the answer for an unknown name. */
export const removalsBetween: (from: View, to: View) => readonly EncodedResource[] = pairwise((from, to) => {
  if (from.entries === to.entries) return [];
  return [...from.entries.values()].filter((resource) => {
    const next = to.entries.get(resource.name);
    return next === undefined || (isPlaceholder.has(next) && !isPlaceholder.has(resource));
  });
});

/** `view` with some more resources. */
export function withKept(view: View, kept: readonly EncodedResource[]): View {
  const entries = new Map(view.entries);
  for (const resource of kept) entries.set(resource.name, resource);
  return { entries, absent: new Set([...view.absent].filter((name) => !entries.has(name))) };
}

/** `to` with everything that `from` has and it has no longer. */
export const withoutRemovals: (from: View, to: View) => View = pairwise((from, to) => {
  const kept = removalsBetween(from, to);
  return kept.length === 0 ? to : withKept(to, kept);
});

/** Marks resources of which only the version is known. */
const NO_BYTES = new Uint8Array();

function withoutBytes(typeUrl: string, name: string, version: string): EncodedResource {
  return { name, typeUrl, version, bytes: NO_BYTES, sources: [] };
}

/** A resource that the client may have in some version. */
export function unknownVersion(typeUrl: string, name: string): EncodedResource {
  return withoutBytes(typeUrl, name, "");
}

/** Whether only the version of a resource is known. */
export function hasNoBytes(resource: EncodedResource): boolean {
  return resource.bytes === NO_BYTES;
}

/** What a reconnecting delta client says that it has. Its bytes are not known, only its versions. */
export function viewOfVersions(typeUrl: string, versions: ReadonlyMap<string, string>): View {
  const entries = new Map<string, EncodedResource>();
  for (const [name, version] of versions) entries.set(name, withoutBytes(typeUrl, name, version));
  return { entries, absent: NO_NAMES };
}

/** Adds, changes and removals between two views, by version. */
export const difference: (from: View, to: View) => Difference = pairwise((from, to) => {
  const upserts: EncodedResource[] = [];
  const removed: string[] = [];
  if (from.entries !== to.entries) {
    for (const [name, resource] of to.entries) {
      const old = from.entries.get(name);
      if (old !== resource && old?.version !== resource.version) upserts.push(resource);
    }
    for (const name of from.entries.keys()) if (!to.entries.has(name)) removed.push(name);
  }
  for (const name of to.absent) if (!from.absent.has(name) && !from.entries.has(name)) removed.push(name);
  return { from, to, upserts, removed };
});

export function isEmpty({ upserts, removed }: Difference): boolean {
  return upserts.length === 0 && removed.length === 0;
}

const versions = new WeakMap<View, string>();

/** A content hash over all names and versions: the version of a state-of-the-world response. */
export function versionOf(view: View): string {
  const found = versions.get(view);
  if (found !== undefined) return found;
  const hash = createHash("sha256");
  for (const name of [...view.entries.keys()].sort())
    hash.update(`${name.length}:${name}${view.entries.get(name)?.version}`);
  const version = hash.digest("base64url").slice(0, 16);
  versions.set(view, version);
  return version;
}
