import type { NodeJson } from "@fairlead/model";
import { type EncodedResource, encodeResource } from "./encoded-resource.ts";
import type {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  Runtime,
  ScopedRouteConfiguration,
  Secret,
  TypedExtensionConfig,
} from "./proto/types.ts";
import { type DanglingReference, dangling } from "./references.ts";
import { RESOURCE_TYPES, type ResourceType } from "./resource-type.ts";
import type { NodeResources, ResourceSet, ResourceSource } from "./server/source.ts";

/** Everything one group of nodes sees, as protobuf JSON. */
export interface Snapshot {
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly ClusterLoadAssignment[];
  readonly listeners?: readonly Listener[];
  readonly routes?: readonly RouteConfiguration[];
  readonly scopedRoutes?: readonly ScopedRouteConfiguration[];
  readonly secrets?: readonly Secret[];
  readonly extensionConfigs?: readonly TypedExtensionConfig[];
  readonly runtimes?: readonly Runtime[];
}

const SHORT_NAMES: Record<keyof Snapshot, string> = {
  clusters: "CDS",
  endpoints: "EDS",
  listeners: "LDS",
  routes: "RDS",
  scopedRoutes: "SRDS",
  secrets: "SDS",
  extensionConfigs: "ECDS",
  runtimes: "RTDS",
};

const TYPES = new Map(
  Object.entries(SHORT_NAMES).flatMap(([key, shortName]) => {
    const type = RESOURCE_TYPES.find((row) => row.shortName === shortName);
    return type ? [[key as keyof Snapshot, type] as const] : [];
  }),
);

/** A source of fixed snapshots, one a group of nodes. */
export interface SnapshotSource extends ResourceSource {
  /** Replaces what a group sees, and tells its streams. Throws `XdsError` for a resource that is not valid. */
  set(group: string, snapshot: Snapshot): void;
  /** The group sees nothing any more. */
  delete(group: string): void;
}

export interface SnapshotSourceOptions {
  /** The group of a node. Default: all nodes are in the group `default`. */
  readonly group?: (node: NodeJson) => string;
}

/** Makes a source out of snapshots that the caller sets. Resources that stay equal are not sent again. */
export function createSnapshotSource(options: SnapshotSourceOptions = {}): SnapshotSource {
  const groupOf = options.group ?? (() => "default");
  const groups = new Map<string, ReadonlyMap<string, ResourceSet>>();
  const listeners = new Map<string, Set<() => void>>();
  const changed = (group: string) => {
    for (const listener of listeners.get(group) ?? []) listener();
  };
  return {
    set(group, snapshot) {
      const previous = groups.get(group);
      groups.set(group, encodeSnapshot(snapshot, previous));
      changed(group);
    },
    delete(group) {
      groups.delete(group);
      changed(group);
    },
    open(node, _peer, listener): NodeResources {
      const group = groupOf(node);
      const set = listeners.get(group) ?? new Set();
      listeners.set(group, set);
      set.add(listener);
      return {
        get: (typeUrl) => groups.get(group)?.get(typeUrl),
        close() {
          set.delete(listener);
          if (set.size === 0) listeners.delete(group);
        },
      };
    },
  };
}

function encodeSnapshot(
  snapshot: Snapshot,
  previous: ReadonlyMap<string, ResourceSet> | undefined,
): ReadonlyMap<string, ResourceSet> {
  const sets = new Map<string, ResourceSet>();
  for (const [key, type] of TYPES) {
    const list = snapshot[key];
    if (list === undefined) continue;
    const resources = new Map<string, EncodedResource>();
    for (const json of list) {
      const resource = encodeResource(type.typeUrl, nameOf(type, json), json);
      resources.set(resource.name, resource);
    }
    const old = previous?.get(type.typeUrl);
    sets.set(type.typeUrl, old && sameVersions(old.resources, resources) ? old : { resources });
  }
  return sets;
}

function nameOf(type: ResourceType, json: object): string {
  const name = (json as Record<string, unknown>)[type.nameField];
  return typeof name === "string" ? name : "";
}

function sameVersions(a: ReadonlyMap<string, EncodedResource>, b: ReadonlyMap<string, EncodedResource>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { version }] of a) if (b.get(name)?.version !== version) return false;
  return true;
}

/** References between the resources of a snapshot that lead nowhere. Empty: the snapshot is whole. */
export function verify(snapshot: Snapshot): readonly DanglingReference[] {
  const all = new Map<string, ReadonlyMap<string, object>>();
  for (const [key, type] of TYPES)
    all.set(type.shortName, new Map((snapshot[key] ?? []).map((json) => [nameOf(type, json), json])));
  return dangling(all);
}
