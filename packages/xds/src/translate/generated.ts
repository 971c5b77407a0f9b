import type { Reader } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { objectKey } from "@fairlead/model";
import { SourceSet } from "./source-set.ts";

/** The place in a source of truth that a node of a resource was made from. `path` is a field path (`spec.http[0].timeout`), empty for the whole object. */
export interface Source {
  readonly object: ObjectRef;
  readonly path: string;
}

/** A resource as translation makes it: plain data in the protobuf JSON shape, and where it came from. */
export interface Generated<R = object> {
  readonly name: string;
  readonly resource: R;
  /** The objects it was made from, each once. */
  readonly sources: readonly ObjectRef[];
  readonly diagnostics: readonly Diagnostic[];
  /** The patches of EnvoyFilters that had an effect on it, by {@link patchKey}. Absent: none. */
  readonly patches?: readonly string[];
}

/** A patch by its place. */
export function patchKey({ source, path }: { readonly source: ObjectRef; readonly path: string }): string {
  return `${objectKey(source)} ${path}`;
}

/** Node of a resource to the place it was made from. Made only when somebody asks: see {@link traced}. */
export type Provenance = WeakMap<object, Source>;

/** What a generator works with: tracked reads, and where it says what it used and what is wrong. */
export interface Build {
  readonly read: Reader;
  /** Whether places are kept. Where not, it is enough to say which objects are used. */
  readonly traced: boolean;
  /** Says that `node` (an object of the resource under construction) was made from this place. Gives `node` back. */
  from<N extends object>(node: N, object: ObjectRef, path?: string): N;
  /** Says that the object had a part in the resource. */
  uses(object: ObjectRef): void;
  report(diagnostic: Diagnostic): void;
  /** Says that a patch of an EnvoyFilter had an effect (or a problem of its own). */
  patched(patch: { readonly source: ObjectRef; readonly path: string }): void;
}

/**
 * Runs a generator for one resource. With `provenance`, every place given to {@link Build.from} is kept there; it needs derivations
 * that are `traced`. Resources are the same either way.
 */
export function generated<R>(
  read: Reader,
  name: string,
  make: (build: Build) => R,
  provenance?: Provenance,
): Generated<R> {
  const record = new Recorder(read, provenance);
  const resource = make(record);
  const { sources, diagnostics, patches } = record;
  return {
    name,
    resource,
    sources: sources.list,
    diagnostics,
    ...(patches ? { patches: [...patches] } : {}),
  };
}

class Recorder implements Build {
  readonly read: Reader;
  readonly sources = new SourceSet();
  readonly diagnostics: Diagnostic[] = [];
  patches: Set<string> | undefined;
  readonly traced: boolean;
  readonly #provenance: Provenance | undefined;

  constructor(read: Reader, provenance: Provenance | undefined) {
    if (provenance && !read.traced)
      throw new TypeError("places are asked of derivations that keep none: make them with `traced`");
    this.read = read;
    this.traced = provenance !== undefined;
    this.#provenance = provenance;
  }

  from<N extends object>(node: N, object: ObjectRef, path = ""): N {
    this.sources.add(object);
    this.#provenance?.set(node, { object, path });
    return node;
  }

  uses(object: ObjectRef): void {
    this.sources.add(object);
  }

  report(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  patched(patch: { readonly source: ObjectRef; readonly path: string }): void {
    this.patches ??= new Set();
    this.patches.add(patchKey(patch));
  }
}

/**
 * Makes the resources of one type for one node. Work is split into units, each of which is made (and made again) on its
 * own: a service for clusters, a cluster name for endpoints, a route name for routes.
 */
export interface Generator<R = object> {
  /** The units that exist for the node, in a stable order. */
  units(read: Reader): readonly string[];
  /** The resources of a unit; none when the unit does not exist. */
  generate(read: Reader, unit: string, provenance?: Provenance): readonly Generated<R>[];
  /** What holds for the node as a whole and is nobody's resource. */
  diagnostics?(read: Reader): readonly Diagnostic[];
}
