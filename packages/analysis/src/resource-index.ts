import type { Resource } from "./resource.ts";

/** A way to find resources: under the keys that each of them gives for itself, from nothing but itself. */
export interface ResourceIndex {
  /** Unique among indexes. */
  readonly name: string;
  /** Of which kinds the resources are. Default: all. */
  readonly kinds?: readonly string[];
  keys(resource: Resource): Iterable<string>;
}

/** By kind. */
export const BY_KIND: ResourceIndex = { name: "kind", keys: ({ kind }) => [kind] };

/** By kind, namespace and name: one at most. */
export const BY_ID: ResourceIndex = { name: "id", keys: ({ id }) => [id] };

/**
 * As {@link BY_ID}, for positions: in all other indexes a resource stays the same object while only its place in a file changes. Empty
 * where it has not.
 */
export const AS_WRITTEN: ResourceIndex = { name: "as written", keys: ({ id }) => [id] };
