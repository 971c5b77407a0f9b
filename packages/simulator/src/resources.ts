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

/** The index of resources; each part is made when it is asked for. */
export function indexOf(resources: Resources): ResourceIndex {
  let index = indexes.get(resources);
  if (index === undefined) {
    index = new Index(resources);
    indexes.set(resources, index);
  }
  return index;
}

class Index implements ResourceIndex {
  readonly #resources: Resources;
  #listeners: ListenerIndex | undefined;
  #routes: ResourceIndex["routes"] | undefined;
  #clusters: ResourceIndex["clusters"] | undefined;
  #endpoints: ResourceIndex["endpoints"] | undefined;

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  get listeners() {
    this.#listeners ??= indexListeners(this.#resources.listeners);
    return this.#listeners;
  }

  get routes() {
    this.#routes ??= new Map((this.#resources.routes ?? []).map((one) => [one.name ?? "", one]));
    return this.#routes;
  }

  get clusters() {
    this.#clusters ??= new Map((this.#resources.clusters ?? []).map((one) => [one.name ?? "", one]));
    return this.#clusters;
  }

  get endpoints() {
    this.#endpoints ??= new Map((this.#resources.endpoints ?? []).map((one) => [one.clusterName ?? "", one]));
    return this.#endpoints;
  }
}
