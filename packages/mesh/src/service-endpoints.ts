import {
  type Endpoint,
  matchesLabels,
  type Service,
  type ServicePort,
  serviceKey,
  type Workload,
} from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { sameMembers } from "./visible-services.ts";

/** The port of a workload that a service port leads to; undefined when the workload does not have it. */
export function workloadPort(workload: Pick<Workload, "ports" | "source">, port: ServicePort): number | undefined {
  if (workload.source.kind === "WorkloadEntry") {
    const named = workload.ports[port.name];
    if (named) return named;
    return typeof port.targetPort === "number" ? port.targetPort : port.number;
  }
  if (typeof port.targetPort === "string") return workload.ports[port.targetPort];
  return port.targetPort ?? port.number;
}

/** The workload as an endpoint of a service; undefined when it has no address or none of the ports. */
function endpointOf(workload: Workload, service: Service): Endpoint | undefined {
  if (workload.addresses.length === 0) return undefined;
  const ports: Record<string, number> = {};
  for (const port of service.ports) {
    const number = workload.addresses[0]?.startsWith("unix://") ? 0 : workloadPort(workload, port);
    if (number !== undefined) ports[port.name] = number;
  }
  if (Object.keys(ports).length === 0) return undefined;
  const { addresses, labels, namespace, workloadName, serviceAccount, locality, network, clusterId, health, tlsMode } =
    workload;
  const { weight, nodeName, hostname, subdomain } = workload;
  return {
    addresses,
    ports,
    labels,
    namespace,
    workloadName,
    serviceAccount,
    locality,
    network,
    clusterId,
    health,
    tlsMode,
    ...(weight === undefined ? {} : { weight }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(subdomain === undefined ? {} : { subdomain }),
  };
}

/** Workloads of a namespace by one of their labels: `app=reviews`. */
const labelIndex: Query<string, ReadonlyMap<string, readonly Workload[]>> = {
  name: "workloads-by-label",
  key: (namespace) => namespace,
  compute(read, namespace) {
    const index = new Map<string, Workload[]>();
    for (const workload of read.bucket("workloads", namespace) ?? [])
      for (const name in workload.labels) {
        const label = `${name}=${workload.labels[name]}`;
        const list = index.get(label);
        if (list) list.push(workload);
        else index.set(label, [workload]);
      }
    return index;
  },
};

interface Labelled {
  readonly namespace: string;
  readonly label: string;
}

const labelled: Query<Labelled, readonly Workload[]> = {
  name: "workloads-of-label",
  key: ({ namespace, label }) => `${namespace}/${label}`,
  compute: (read, { namespace, label }) => read.ask(labelIndex, namespace).get(label) ?? [],
  equal: sameMembers,
};

/** The workloads that have the first label of a selector, in their order: those that it picks are among them. */
function workloadsByLabel(
  read: Reader,
  namespace: string,
  selector: Readonly<Record<string, string>>,
): readonly Workload[] {
  const [name = "", value] = Object.entries(selector)[0] ?? [];
  return read.bucket("workloads", namespace) ? read.ask(labelled, { namespace, label: `${name}=${value}` }) : [];
}

const joined: Query<Service, readonly Endpoint[]> = {
  name: "service-endpoints",
  key: serviceKey,
  compute(read, { hostname, namespace }) {
    const service = (read.bucket("host", hostname) ?? []).find((one) => one.namespace === namespace);
    if (!service) return [];
    const given = read.bucket("endpoints", serviceKey(service)) ?? [];
    const { selector } = service;
    if (!selector || Object.keys(selector).length === 0) return given;
    // A registry that gives endpoints for its own workloads has joined them already; only foreign workloads are added.
    const known = new Set(given.flatMap((endpoint) => endpoint.addresses));
    const foreign = (workload: Workload) =>
      given.length === 0 || (service.registry === "Kubernetes") === (workload.source.kind === "WorkloadEntry");
    const selected = workloadsByLabel(read, namespace, selector)
      .filter(
        (workload) =>
          matchesLabels(selector, workload.labels) &&
          foreign(workload) &&
          !workload.addresses.some((address) => known.has(address)),
      )
      .flatMap((workload) => endpointOf(workload, service) ?? []);
    return selected.length === 0 ? given : [...given, ...selected];
  },
};

/**
 * All endpoints of a service: those that registries give for it, and the workloads of its namespace that its selector
 * picks (Pods for a ServiceEntry and WorkloadEntries for a Kubernetes Service too). Health and network are not judged here.
 */
export function endpointsOf(read: Reader, service: Service): readonly Endpoint[] {
  return read.ask(joined, service);
}
