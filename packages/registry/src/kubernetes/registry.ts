import { type KubernetesClient, type ListWatchOptions, listWatch, RESOURCES } from "@fairlead/kubernetes";
import { joinCollections } from "../manifests/join.ts";
import type { ManifestsRegistryOptions } from "../manifests/options.ts";
import { manifestsRegistry } from "../manifests/registry.ts";
import type { Registry } from "../registry.ts";

export interface KubernetesRegistryOptions extends ManifestsRegistryOptions {
  /** Whoever made it closes it, after the registry. */
  readonly client: KubernetesClient;
  /** Only objects of this namespace (nodes and namespaces aside). Default: of all. */
  readonly namespace?: string;
  /** How lists and watches are made. */
  readonly watch?: Omit<ListWatchOptions, "namespace" | "signal">;
}

/**
 * The services of a cluster, live: Services, Pods, EndpointSlices, Namespaces and Nodes by list and watch, read as
 * `manifestsRegistry` reads them. It needs `list` and `watch` on these five. A lost watch is in `diagnostics()`, and what
 * was known stays. Several clusters are several registries with a `clusterId` each, in an `aggregateRegistry`.
 */
export function kubernetesRegistry(options: KubernetesRegistryOptions): Registry {
  const { client, namespace, watch = {}, ...reading } = options;
  const { services, pods, endpointSlices, namespaces, nodes } = RESOURCES;
  const watches = [services, pods, endpointSlices, namespaces, nodes].map((type) =>
    listWatch(client, type, { ...watch, ...(type.namespaced && namespace !== undefined && { namespace }) }),
  );
  const registry = manifestsRegistry(joinCollections(watches), reading);
  return {
    name: registry.name,
    services: registry.services,
    workloads: registry.workloads,
    endpoints: registry.endpoints,
    namespaces: registry.namespaces,
    ready: registry.ready,
    diagnostics: () => [...watches.flatMap((one) => one.diagnostics()), ...registry.diagnostics()],
    async close() {
      for (const one of watches) one.close();
      await registry.close();
    },
  };
}
