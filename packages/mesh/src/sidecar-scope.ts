import type { ConfigObject, EgressListener } from "@fairlead/config";
import { parseProtocol, type Service } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { covers, type HostPattern, importsHost, parseHosts } from "./egress-hosts.ts";
import { egressVirtualServices } from "./egress-routes.ts";
import { destinationsOf } from "./route-destinations.ts";
import { sidecarOf } from "./sidecar-selection.ts";
import { namespaceAmong, nodeNamespace } from "./visibility.ts";
import { sameMembers, serviceOfHost, visibleServices } from "./visible-services.ts";

/** What one egress listener of a Sidecar lets its workloads see. */
export interface EgressScope {
  /** Absent: the catch-all that stands for a Sidecar without egress, or for none. */
  readonly listener: EgressListener | undefined;
  /** `spec.egress[1]`; empty for the catch-all. */
  readonly path: string;
  /** One service a host name, oldest first. With a port, services are cut down to that port. */
  readonly services: readonly Service[];
}

/** What a sidecar sees of the mesh. */
export interface SidecarScope {
  /** The Sidecar that holds for the workload. */
  readonly sidecar: ConfigObject<"Sidecar"> | undefined;
  readonly egress: readonly EgressScope[];
  /** All services of all listeners and of the routes they import: what clusters are made for. */
  readonly services: readonly Service[];
}

function importedServices(
  services: readonly Service[],
  patterns: readonly HostPattern[],
  ownNamespace: (names: readonly string[]) => string,
): readonly Service[] {
  const imported = services.filter((service) => {
    const relevant = patterns.filter(
      (pattern) => covers(pattern, service.namespace) && importsHost(pattern, service.hostname),
    );
    return relevant.length > 0 && !relevant.some((pattern) => pattern.excluded);
  });
  return uniqueHosts(imported, ownNamespace);
}

/** One service a host name: its own namespace's, else Kubernetes', else the oldest. */
function uniqueHosts(
  services: readonly Service[],
  ownNamespace: (names: readonly string[]) => string,
): readonly Service[] {
  const chosen = new Map<string, Service>();
  let duplicates = false;
  for (const service of services) {
    const present = chosen.get(service.hostname);
    if (!present) {
      chosen.set(service.hostname, service);
      continue;
    }
    duplicates = true;
    const own = ownNamespace([present.namespace, service.namespace]);
    if (present.namespace === own) continue;
    if (service.namespace === own || (present.registry !== "Kubernetes" && service.registry === "Kubernetes"))
      chosen.set(service.hostname, service);
  }
  return duplicates ? services.filter((service) => chosen.get(service.hostname) === service) : services;
}

const cutServices = new WeakMap<Service, Map<string, Service | undefined>>();

/** The service with only the ports of `numbers`: the same object when that is all of them, undefined when none; equal cuts are one object. */
function withPorts(service: Service, numbers: ReadonlySet<number>): Service | undefined {
  const ports = service.ports.filter((port) => numbers.has(port.number));
  if (ports.length === service.ports.length) return service;
  if (ports.length === 0) return undefined;
  const cuts = cutServices.get(service) ?? new Map<string, Service | undefined>();
  cutServices.set(service, cuts);
  const key = ports.map((port) => port.number).join();
  const cut = cuts.get(key) ?? { ...service, ports };
  cuts.set(key, cut);
  return cut;
}

const scope: Query<void, SidecarScope> = {
  name: "sidecar-scope",
  key: () => "",
  compute(read) {
    const sidecar = sidecarOf(read);
    const visible = visibleServices(read);
    const own = (names: readonly string[]) => namespaceAmong(read, names);
    const declared = sidecar?.spec.egress ?? [];
    const egress: EgressScope[] =
      declared.length === 0
        ? [{ listener: undefined, path: "", services: uniqueHosts(visible, own) }]
        : declared.map((listener, index) => {
            const patterns = parseHosts(listener.hosts ?? [], nodeNamespace(read));
            const port = listener.port?.number;
            const cut =
              port && parseProtocol(listener.port?.protocol ?? "") !== "HTTP_PROXY" ? new Set([port]) : undefined;
            const services = importedServices(visible, patterns, own);
            return {
              listener,
              path: `spec.egress[${index}]`,
              services: cut ? services.flatMap((service) => withPorts(service, cut) ?? []) : services,
            };
          });
    return {
      sidecar,
      egress,
      services: declared.length === 0 ? (egress[0]?.services ?? []) : allServices(read, egress),
    };
  },
  equal: (a, b) =>
    a.sidecar === b.sidecar &&
    sameMembers(a.services, b.services) &&
    a.egress.length === b.egress.length &&
    a.egress.every((one, index) => {
      const other = b.egress[index];
      return other !== undefined && sameMembers(one.services, other.services);
    }),
};

/** The union over listeners, ports of one service joined, then what their routes lead to beyond that. */
function allServices(read: Reader, egress: readonly EgressScope[]): readonly Service[] {
  const found = new Map<string, Service>();
  const add = (service: Service | undefined) => {
    if (!service) return;
    const present = found.get(service.hostname);
    if (!present) found.set(service.hostname, service);
    else if (present !== service && present.namespace === service.namespace) {
      const missing = service.ports.filter((port) => !present.ports.some((other) => other.number === port.number));
      if (missing.length > 0) found.set(service.hostname, { ...present, ports: [...present.ports, ...missing] });
    }
  };
  for (const [index, { services, listener }] of egress.entries()) {
    for (const service of services) add(service);
    const port = listener?.port?.number;
    for (const virtualService of egressVirtualServices(read, index))
      for (const [host, ports] of destinationsOf(virtualService, nodeNamespace(read))) {
        const service = serviceOfHost(read, host);
        if (!service) continue;
        add(port ? withPorts(service, new Set([port])) : ports.size > 0 ? withPorts(service, ports) : service);
      }
  }
  return [...found.values()];
}

/** What the node sees of the mesh through the Sidecar that holds for it. */
export function sidecarScopeOf(read: Reader): SidecarScope {
  return read.ask(scope, undefined);
}

/** All services a gateway sees, one a host name: gateways have no Sidecar. */
export function gatewayServices(read: Reader): readonly Service[] {
  return uniqueHosts(visibleServices(read), (names) => namespaceAmong(read, names));
}
