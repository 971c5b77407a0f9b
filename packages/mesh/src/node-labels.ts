import type { Labels } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";

/** Labels that registries add by themselves: they say where a workload is, not what. */
const DERIVED = /^(topology\.istio\.io|topology\.kubernetes\.io|security\.istio\.io|kubernetes\.io)\//;

/**
 * The labels that a registry knows the node's workload by, when it has one of its addresses in the node's namespace. They
 * go before what the node says of itself; an instance without labels says nothing. Source: Istio `Proxy.SetWorkloadLabels`.
 */
const registered: Query<void, Labels | undefined> = {
  name: "registered-labels",
  key: () => "",
  compute(read) {
    const addresses = read.fact("addresses", (node) => node.ipAddresses.join(",")).split(",");
    const namespace = read.fact("namespace", (node) => node.namespace);
    for (const address of addresses) {
      const workload = (read.bucket("workloadAddress", address) ?? []).find((one) => one.namespace === namespace);
      const endpoint = (read.bucket("address", address) ?? [])
        .filter((key) => key.startsWith(`${namespace}/`))
        .flatMap((key) => read.bucket("endpoints", key) ?? [])
        .find((one) => one.addresses.includes(address));
      const labels = workload?.labels ?? endpoint?.labels ?? {};
      if (Object.keys(labels).some((key) => !DERIVED.test(key))) return labels;
    }
    return undefined;
  },
};

const ofNode: Query<string, { readonly value: string | undefined }> = {
  name: "node-label",
  key: (label) => label,
  compute(read, label) {
    const labels = read.ask(registered, undefined);
    return { value: labels ? labels[label] : read.fact(`label ${label}`, (node) => node.labels[label]) };
  },
  identify: ({ value }) => JSON.stringify(value ?? null),
};

/** A label of the node's workload; nodes with equal values are one. */
export function nodeLabel(read: Reader, label: string): string | undefined {
  return read.project(ofNode, label).value;
}
