import type { Resource } from "../input.ts";
import { record } from "../json.ts";
import type { Rule } from "../rule.ts";

/** Registries that are there without a secret of another cluster. */
const BUILT_IN = ["Mock", "Kubernetes", "External"] as const;
const MULTI_CLUSTER_LABEL = "istio/multiCluster";

/** A network takes the endpoints of a registry that there is: the cluster's own, or one that a multi-cluster secret names. */
export const meshNetworksRegistry: Rule = {
  name: "mesh-networks/registry",
  codes: ["IST0126"],
  check(input, report) {
    const secrets = input.of("Secret").filter(({ labels }) => labels[MULTI_CLUSTER_LABEL] === "true");
    const registries = new Set<string>([
      ...BUILT_IN,
      ...secrets.flatMap(({ document }) => Object.keys(record(document.value.data))),
    ]);
    const networks = meshNetworksResource(input.meshConfig.rootNamespace || "istio-system");
    for (const [name, { endpoints = [] }] of Object.entries(input.meshNetworks.networks ?? {}))
      for (const [index, endpoint] of endpoints.entries()) {
        const registry = "fromRegistry" in endpoint ? endpoint.fromRegistry : undefined;
        if (registry === undefined || registries.has(registry)) continue;
        const path = `networks[${JSON.stringify(name)}].endpoints[${index}].fromRegistry`;
        report("IST0126", networks, `the network ${name} takes endpoints from ${registry}, which is no registry`, path);
      }
  },
};

/** The mesh's networks as the object that an installation keeps them in; where they were read from is not known here. */
function meshNetworksResource(namespace: string): Resource {
  const ref = { kind: "MeshNetworks", namespace, name: "meshnetworks" };
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
  return { ref, fullName: `${namespace}/meshnetworks`, labels: {}, annotations: {}, spec: {}, document };
}
