import { matchesLabels, type Service, type ServicePort } from "@fairlead/model";
import { identityOf, type Query, type Reader } from "./derivation.ts";
import { byAge } from "./mesh.ts";
import { workloadPort } from "./service-endpoints.ts";
import { nodeMatches, nodeNamespace } from "./visibility.ts";

/** A service port that the node's own workload serves. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  /** What the workload listens on. */
  readonly targetPort: number;
}

const targets: Query<void, readonly ServiceTarget[]> = {
  name: "service-targets",
  key: () => "",
  compute(read) {
    const addresses = read.fact("addresses", (node) => node.ipAddresses.join(",")).split(",");
    const found = new Map<Service, ReadonlyMap<string, number>>();
    const keys = new Set(addresses.flatMap((address) => [...(read.bucket("address", address) ?? [])]));
    for (const key of keys) {
      const slash = key.indexOf("/");
      const service = (read.bucket("host", key.slice(slash + 1)) ?? []).find(
        (one) => one.namespace === key.slice(0, slash),
      );
      const endpoint =
        service &&
        (read.bucket("endpoints", key) ?? []).find((one) =>
          one.addresses.some((address) => addresses.includes(address)),
        );
      if (service && endpoint) found.set(service, new Map(Object.entries(endpoint.ports)));
    }
    const namespace = nodeNamespace(read);
    const own = addresses
      .flatMap((address) => read.bucket("workloadAddress", address) ?? [])
      .find((workload) => workload.namespace === namespace);
    // Without an own address among the workloads, the node's labels say what it is: a Pod that no manifest lists.
    for (const service of read.bucket("services", namespace) ?? []) {
      // Most have none, where there are thousands.
      if (service.selector === undefined || found.has(service) || Object.keys(service.selector).length === 0) continue;
      const selected = own
        ? matchesLabels(service.selector, own.labels)
        : service.registry === "Kubernetes" && nodeMatches(read, service.selector);
      if (!selected) continue;
      const template =
        own ??
        (read.bucket("workloads", namespace) ?? []).find((workload) =>
          matchesLabels(service.selector ?? {}, workload.labels),
        );
      const ports = new Map<string, number>();
      for (const port of service.ports) {
        const number = template
          ? workloadPort(template, port)
          : typeof port.targetPort === "string"
            ? undefined
            : (port.targetPort ?? port.number);
        if (number !== undefined) ports.set(port.name, number);
      }
      if (ports.size > 0) found.set(service, ports);
    }
    return [...found]
      .sort(([a], [b]) => byAge(a, b))
      .flatMap(([service, ports]) =>
        service.ports.flatMap((port) => {
          const targetPort = ports.get(port.name);
          return targetPort === undefined ? [] : [{ service, port, targetPort }];
        }),
      );
  },
  identify: (found) =>
    found.map(({ service, port, targetPort }) => `${identityOf(service)}:${port.name}:${targetPort}`).join(),
};

/** What the node's workload serves, oldest service first. */
export function serviceTargetsOf(read: Reader): readonly ServiceTarget[] {
  return read.project(targets, undefined);
}
