import type { MeshConfig, MeshNetworks } from "@fairlead/config";
import { type Query, type Reader, sameMembers } from "@fairlead/mesh";
import { type Resource, resourceId } from "./resource.ts";
import { BY_ID, BY_KIND, type ResourceIndex } from "./resource-index.ts";

export interface Settings {
  readonly meshConfig: MeshConfig;
  readonly meshNetworks: MeshNetworks;
}

/** What a rule may look at beside the resource that it judges. All that it reads here is known, so that only who read what changed is asked again. */
export interface World extends Settings {
  /** The namespace of the mesh's own objects. */
  readonly rootNamespace: string;
  find(kind: string, namespace: string, name: string): Resource | undefined;
  /** All of a kind, sorted by name. For kinds of which there are few: any change to one of them asks the rule again. */
  all(kind: string): readonly Resource[];
  /** The resources that an index has under a key, sorted by kind and name. The rule must name the index in `indexes`. */
  under(index: ResourceIndex, key: string): readonly Resource[];
  /** A value that several resources need, made once. */
  ask<A, V>(derived: Derived<A, V>, argument: A): V;
}

export type Lists = Readonly<Record<string, readonly Resource[]>> & { readonly settings: readonly [Settings] };
export type Derived<A, V> = Query<A, V, Lists, undefined>;

const NONE: readonly Resource[] = [];

export function worldOf(read: Reader<Lists, undefined>): World {
  const [{ meshConfig, meshNetworks }] = read.bucket("settings", "") as readonly [Settings];
  const under = (index: ResourceIndex, key: string) => read.bucket(index.name, key) ?? NONE;
  return {
    meshConfig,
    meshNetworks,
    rootNamespace: meshConfig.rootNamespace || "istio-system",
    find: (kind, namespace, name) => under(BY_ID, resourceId(kind, namespace, name))[0],
    all: (kind) => under(BY_KIND, kind),
    under,
    ask: (derived, argument) => read.ask(derived, argument),
  };
}

/** A value of a name and an argument that several resources need. Lists of the same members are the same. */
export function derived<A, V>(
  name: string,
  key: (argument: A) => string,
  compute: (world: World, argument: A) => V,
): Derived<A, V> {
  return { name, key, compute: (read, argument) => compute(worldOf(read), argument), equal: same };
}

function same<V>(a: V, b: V): boolean {
  return Array.isArray(a) && Array.isArray(b) ? sameMembers(a, b) : Object.is(a, b);
}
