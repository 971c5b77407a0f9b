import type { ConfigObject, EgressListener } from "@fairlead/config";
import { hostsOverlap, isSubsetHost, isWildcardHost, parseProtocol, type Service } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { rootNamespaceOf } from "./mesh-settings.ts";
import { type ResolvedVirtualService, virtualServicesOf } from "./virtual-service.ts";
import { namespaceAmong, nodeMatches, nodeNamespace } from "./visibility.ts";
import { sameMembers, serviceOfHost, visibleServices } from "./visible-services.ts";

/** What one egress listener of a Sidecar lets its workloads see. */
export interface EgressScope {
  /** Absent: the catch-all that stands for a Sidecar without egress, or for none. */
  readonly listener: EgressListener | undefined;
  /** `spec.egress[1]`; empty for the catch-all. */
  readonly path: string;
  /** One service a host name, oldest first. With a port, services are cut down to that port. */
  readonly services: readonly Service[];
  readonly virtualServices: readonly ResolvedVirtualService[];
}

/** What a sidecar sees of the mesh. */
export interface SidecarScope {
  /** The Sidecar that holds for the workload. */
  readonly sidecar: ConfigObject<"Sidecar"> | undefined;
  readonly egress: readonly EgressScope[];
  /** All services of all listeners and of the routes they import: what clusters are made for. */
  readonly services: readonly Service[];
}

/** The Sidecar that holds for the node: by selector, else for its namespace, else the root namespace's. */
export function sidecarOf(read: Reader): ConfigObject<"Sidecar"> | undefined {
  const namespaces = read.bucket("configNamespaces", "Sidecar") ?? [];
  if (namespaces.length === 0) return undefined;
  const of = (namespace: string) =>
    (read.bucket("config", `Sidecar/${namespace}`) ?? []) as readonly ConfigObject<"Sidecar">[];
  const root = rootNamespaceOf(read);
  const own = namespaceAmong(read, namespaces);
  const unselected = (object: ConfigObject<"Sidecar">) => !object.spec.workloadSelector;
  return (
    of(own).find(
      (object) => object.spec.workloadSelector && nodeMatches(read, object.spec.workloadSelector.labels ?? {}),
    ) ??
    of(own).find(unselected) ??
    of(root).find(unselected)
  );
}

interface HostPattern {
  readonly namespace: string;
  readonly host: string;
  readonly excluded: boolean;
}

function parseHosts(hosts: readonly string[], namespace: string): readonly HostPattern[] {
  return hosts.flatMap((entry) => {
    const slash = entry.indexOf("/");
    if (slash < 0) return [];
    const excluded = entry.startsWith("~");
    const scope = entry.slice(excluded ? 1 : 0, slash) || "*";
    return scope === "~"
      ? []
      : [{ namespace: scope === "." ? namespace : scope, host: entry.slice(slash + 1), excluded }];
  });
}

function covers(pattern: HostPattern, namespace: string): boolean {
  return pattern.namespace === "*" || pattern.namespace === namespace;
}

/** Exact names match exactly; a wildcard covers what is a subset of it. */
function importsHost(pattern: HostPattern, host: string): boolean {
  return (
    pattern.host === host ||
    ((isWildcardHost(pattern.host) || isWildcardHost(host)) && isSubsetHost(host, pattern.host))
  );
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

function importedVirtualServices(
  services: readonly ResolvedVirtualService[],
  patterns: readonly HostPattern[],
): readonly ResolvedVirtualService[] {
  return services.filter((service) => {
    const relevant = patterns.filter((pattern) => covers(pattern, service.namespace));
    return service.hosts.some(
      (host) =>
        relevant.some(
          (pattern) =>
            !pattern.excluded &&
            (pattern.host === host ||
              ((isWildcardHost(host) || isWildcardHost(pattern.host)) && hostsOverlap(host, pattern.host))),
        ) && !relevant.some((pattern) => pattern.excluded && isSubsetHost(host, pattern.host)),
    );
  });
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

/** Host names that the routes of a VirtualService lead to, each with the ports named (empty: all). */
export function destinationsOf(
  virtualService: ResolvedVirtualService,
  namespace?: string,
): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  const whole = new Set<string>();
  const add = (destination: { host?: string; port?: { number?: number } } | undefined) => {
    if (!destination?.host) return;
    const ports = found.get(destination.host) ?? new Set();
    found.set(destination.host, ports);
    if (destination.port?.number) ports.add(destination.port.number);
    else whole.add(destination.host);
  };
  const applies = (matches: readonly { sourceNamespace?: string }[] | undefined) =>
    namespace === undefined ||
    !matches ||
    matches.length === 0 ||
    matches.some((match) => !match.sourceNamespace || match.sourceNamespace === namespace);
  for (const { rule } of virtualService.http) {
    if (!applies(rule.match)) continue;
    const { route, mirror, mirrors } = rule;
    for (const entry of route ?? []) add(entry.destination);
    add(mirror);
    for (const entry of mirrors ?? []) add(entry.destination);
  }
  for (const { rule } of [...virtualService.tls, ...virtualService.tcp])
    if (applies(rule.match)) for (const entry of rule.route ?? []) add(entry.destination);
  for (const host of whole) found.set(host, new Set());
  return found;
}

const scope: Query<void, SidecarScope> = {
  name: "sidecar-scope",
  key: () => "",
  compute(read) {
    const sidecar = sidecarOf(read);
    const visible = visibleServices(read);
    const routes = virtualServicesOf(read, "mesh");
    const own = (names: readonly string[]) => namespaceAmong(read, names);
    const declared = sidecar?.spec.egress ?? [];
    const egress: EgressScope[] =
      declared.length === 0
        ? [{ listener: undefined, path: "", services: uniqueHosts(visible, own), virtualServices: routes }]
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
              virtualServices: importedVirtualServices(routes, patterns),
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
      return (
        other !== undefined &&
        sameMembers(one.services, other.services) &&
        sameMembers(one.virtualServices, other.virtualServices)
      );
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
  for (const { services, virtualServices, listener } of egress) {
    for (const service of services) add(service);
    const port = listener?.port?.number;
    for (const virtualService of virtualServices)
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
