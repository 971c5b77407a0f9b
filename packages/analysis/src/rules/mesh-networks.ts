import { record } from "../json.ts";
import { type Resource, resourceId } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";

/** Registries that are there without a secret of another cluster. */
const BUILT_IN = ["Mock", "Kubernetes", "External"] as const;
const MESH_NETWORKS = "MeshNetworks";
const MULTI_CLUSTER_LABEL = "istio/multiCluster";

/** Secrets by whether they name clusters: the one key is empty. */
const MULTI_CLUSTER_SECRETS: ResourceIndex = {
  name: "secrets of clusters",
  kinds: ["Secret"],
  keys: ({ labels }) => (labels[MULTI_CLUSTER_LABEL] === "true" ? [""] : []),
};

/** A network takes the endpoints of a registry that there is: the cluster's own, or one that a multi-cluster secret names. */
export const meshNetworksRegistry: Rule = {
  name: "mesh-networks/registry",
  codes: ["IST0126"],
  kinds: [MESH_NETWORKS],
  indexes: [MULTI_CLUSTER_SECRETS],
  check(_, report, world) {
    const secrets = world.under(MULTI_CLUSTER_SECRETS, "");
    const registries = new Set<string>([
      ...BUILT_IN,
      ...secrets.flatMap(({ document }) => Object.keys(record(document.value.data))),
    ]);
    for (const [name, { endpoints = [] }] of Object.entries(world.meshNetworks.networks ?? {}))
      for (const [index, endpoint] of endpoints.entries()) {
        const registry = "fromRegistry" in endpoint ? endpoint.fromRegistry : undefined;
        if (registry === undefined || registries.has(registry)) continue;
        const path = `networks[${JSON.stringify(name)}].endpoints[${index}].fromRegistry`;
        report("IST0126", `the network ${name} takes endpoints from ${registry}, which is no registry`, path);
      }
  },
};

/** The mesh's networks as the object that an installation keeps them in; where they were read from is not known here. */
export function meshNetworksResource(namespace: string): Resource {
  const ref = { kind: MESH_NETWORKS, namespace, name: "meshnetworks" };
  const document = {
    ...ref,
    file: "",
    line: 1,
    apiVersion: "",
    value: {},
    object: undefined,
    diagnostics: [],
    locate: () => undefined,
  };
  const id = resourceId(MESH_NETWORKS, namespace, ref.name);
  return {
    id,
    kind: MESH_NETWORKS,
    ref,
    fullName: `${namespace}/meshnetworks`,
    labels: {},
    annotations: {},
    spec: {},
    document,
  };
}
