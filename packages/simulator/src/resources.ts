import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from "./envoy.ts";
import { indexListeners, type ListenerIndex } from "./listener/select.ts";

/**
 * What an Envoy was sent, as plain objects in the protobuf JSON shape (lowerCamelCase names, `Any` as `{"@type": …}`):
 * from `translate`, from a file, from any control plane. Objects must not be changed after they were given: what is
 * compiled from them is kept with them.
 */
export interface Resources {
  readonly listeners: readonly Listener[];
  readonly routes?: readonly RouteConfiguration[];
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly ClusterLoadAssignment[];
}

/** Resources by name. */
export interface ResourceIndex {
  readonly listeners: ListenerIndex;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
}

const indexes = new WeakMap<Resources, ResourceIndex>();

export function indexOf(resources: Resources): ResourceIndex {
  let index = indexes.get(resources);
  if (index === undefined) {
    index = {
      listeners: indexListeners(resources.listeners),
      routes: new Map((resources.routes ?? []).map((one) => [one.name ?? "", one])),
      clusters: new Map((resources.clusters ?? []).map((one) => [one.name ?? "", one])),
      endpoints: new Map((resources.endpoints ?? []).map((one) => [one.clusterName ?? "", one])),
    };
    indexes.set(resources, index);
  }
  return index;
}
