import { refOf } from "@fairlead/config";
import {
  type EgressScope,
  egressVirtualServices,
  namespaceAmong,
  type Query,
  type Reader,
  type ResolvedVirtualService,
  sameMembers,
  sidecarScopeOf,
} from "@fairlead/mesh";
import { isWildcardHost, type ObjectRef, parseProtocol, type Service } from "@fairlead/model";
import type { Route } from "../../proto/types.ts";
import { claimedHosts, claimsAny, type Speaker, speakerAmong } from "./host-claim.ts";
import type { Part } from "./part.ts";
import { isGatewayApiRoute } from "./rule.ts";
import { carriesHttp, type HostPart, namedVirtualHost, serviceVirtualHost, withDomains } from "./virtual-host.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

/**
 * The egress listener that a route name belongs to: that of the port, of the Unix socket's path, else the one for all
 * the rest. Source: Istio `GetEgressListenerForRDS`.
 */
export function egressScopeFor(
  read: Reader,
  port: number,
  routeName: string,
): (EgressScope & { readonly index: number }) | undefined {
  const { egress } = sidecarScopeOf(read);
  const index = egress.findIndex(({ listener }) => {
    if (!listener?.port) return true;
    const number = listener.port.number ?? 0;
    return number === port && (port !== 0 || listener.bind === routeName);
  });
  const scope = egress[index];
  return scope && { ...scope, index };
}

interface Port {
  /** Of the listener; 0 for a Unix socket or a proxy port. */
  readonly port: number;
  readonly routeName: string;
}

/** The virtual hosts of a port. */
export interface OutboundHosts {
  /** By name. */
  readonly hosts: readonly HostPart[];
  /** Of VirtualServices that none of the hosts is made from, because nothing of them can be: they say why. */
  readonly failed: readonly Part<readonly Route[]>[];
}

const NONE: OutboundHosts = { hosts: [], failed: [] };

const virtualHosts: Query<Port, OutboundHosts> = {
  name: "outbound-virtual-hosts",
  key: ({ port, routeName }) => (port === 0 ? routeName : `${port}`),
  compute(read, { port, routeName }) {
    const scope = egressScopeFor(read, port, routeName);
    if (!scope) return NONE;
    const proxied = parseProtocol(scope.listener?.port?.protocol ?? "") === "HTTP_PROXY";
    return assemble(read, scope.services, egressVirtualServices(read, scope.index), proxied ? 0 : port);
  },
  equal: (a, b) => sameMembers(a.hosts, b.hosts) && sameMembers(a.failed, b.failed),
};

/** The virtual hosts for requests to a port; those of all ports for port 0. `routeName` matters for port 0 only. */
export function outboundVirtualHosts(read: Reader, port: number, routeName: string): OutboundHosts {
  return read.ask(virtualHosts, { port, routeName });
}

interface Wrapper {
  readonly port: number;
  readonly names: readonly string[];
  readonly services: readonly Service[];
  /** What a VirtualService says; absent: none speaks for the service. */
  readonly spoken: { readonly routes: Part<readonly Route[]>; readonly source: ObjectRef } | undefined;
}

function assemble(
  read: Reader,
  inScope: readonly Service[],
  virtualServices: readonly ResolvedVirtualService[],
  port: number,
): OutboundHosts {
  const services = new Map<string, Service>();
  for (const service of inScope)
    if (port === 0 || service.ports.some(({ number }) => number === port)) services.set(service.hostname, service);
  const { wrappers, failed } = wrappersOf(read, virtualServices, inScope, services, port);
  const aliases = aliasesOf(inScope);
  const fullNames = new Map<string, number[]>();
  for (const wrapper of wrappers)
    for (const { hostname } of wrapper.services) {
      const ports = fullNames.get(hostname);
      if (ports) ports.push(wrapper.port);
      else fullNames.set(hostname, [wrapper.port]);
    }
  const taken = { names: new Set<string>(), domains: new Set<string>() };
  const made: HostPart[] = [];
  const add = (part: HostPart, number: number) => {
    const name = part.value.name ?? "";
    if (taken.names.has(name)) return;
    taken.names.add(name);
    let domains = freeDomains(part, taken.domains, fullNames);
    // A listener for all ports tells the others than 80 by what the host says.
    if (port === 0 && number !== 80) domains = domains.filter((domain) => domain.includes(":"));
    if (domains.length > 0) made.push(withDomains(read, part, domains));
  };
  for (const { port: number, names, services: own, spoken } of wrappers) {
    if (spoken) for (const host of names) add(namedVirtualHost(read, { host, port: number, ...spoken }), number);
    for (const service of own) {
      const dialled = { service, aliases: aliases.get(service.hostname) ?? [], port: number, anyPort: port === 0 };
      add(serviceVirtualHost(read, spoken ? { ...dialled, routes: spoken.routes } : dialled), number);
    }
  }
  return { hosts: made.sort((a, b) => ((a.value.name ?? "") < (b.value.name ?? "") ? -1 : 1)), failed };
}

/** What VirtualServices speak for, then the services that none speaks for. */
function wrappersOf(
  read: Reader,
  virtualServices: readonly ResolvedVirtualService[],
  inScope: readonly Service[],
  services: ReadonlyMap<string, Service>,
  port: number,
): { readonly wrappers: readonly Wrapper[]; readonly failed: OutboundHosts["failed"] } {
  const wildcardServices = [...services.keys()].filter(isWildcardHost);
  const speaker = lazySpeaker(() => speakerAmong(virtualServices));
  const wrappers: Wrapper[] = [];
  const failed: Part<readonly Route[]>[] = [];
  const spokenFor = new Set<Service>();
  for (const virtualService of virtualServices) {
    // On port 80, names that are no services are heard of too.
    if (port !== 80 && !claimsAny(virtualService, services, wildcardServices)) continue;
    const routes = virtualServiceRoutes(read, { virtualService, port, gateway: "mesh", tls: false });
    if (routes.value.length === 0) {
      if (routes.diagnostics.length > 0) failed.push(routes);
      continue;
    }
    const claimed = claimedHosts(virtualService, services, speaker);
    if (isGatewayApiRoute(virtualService) && !isAtHome(read, virtualService.namespace, claimed.services)) continue;
    const spoken = { routes, source: refOf(virtualService.object) };
    const byPort = new Map<number, Service[]>();
    for (const service of claimed.services)
      for (const number of httpPorts(service, port)) {
        const list = byPort.get(number) ?? [];
        byPort.set(number, list);
        list.push(service);
        spokenFor.add(service);
      }
    if (byPort.size === 0 && port === 80) byPort.set(80, []);
    for (const [number, own] of byPort) wrappers.push({ port: number, names: claimed.names, services: own, spoken });
  }
  for (const service of inScope) {
    if (services.get(service.hostname) !== service || spokenFor.has(service) || service.resolution === "Alias")
      continue;
    for (const number of httpPorts(service, port))
      wrappers.push({ port: number, names: [], services: [service], spoken: undefined });
  }
  return { wrappers, failed };
}

function lazySpeaker(make: () => Speaker): Speaker {
  let speaker: Speaker | undefined;
  return (hostname) => {
    speaker ??= make();
    return speaker(hostname);
  };
}

/** Routes of the Gateway API hold where they are: for services of their namespace, or for clients in it. */
function isAtHome(read: Reader, namespace: string, services: readonly Service[]): boolean {
  return (
    services.length > 0 &&
    (services.some((service) => service.namespace === namespace) || namespaceAmong(read, [namespace]) === namespace)
  );
}

function httpPorts(service: Service, port: number): readonly number[] {
  const numbers = new Set<number>();
  for (const { number, protocol } of service.ports)
    if ((port === 0 || number === port) && carriesHttp(protocol)) numbers.add(number);
  return [...numbers];
}

/** Host name to the ExternalName services that stand for it. */
function aliasesOf(services: readonly Service[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { resolution, externalName, hostname } of services) {
    if (resolution !== "Alias" || externalName === undefined) continue;
    const list = found.get(externalName) ?? [];
    found.set(externalName, list);
    list.push(hostname);
  }
  return found;
}

/** Host names of services, with the ports that their virtual hosts are for. */
type FullNames = ReadonlyMap<string, readonly number[]>;

/** Whether a domain is the name of a service, or that with one of its ports. */
function isFullName(domain: string, names: FullNames): boolean {
  const colon = domain.lastIndexOf(":");
  return (
    names.has(domain) ||
    (colon > 0 && (names.get(domain.slice(0, colon)) ?? []).some((port) => String(port) === domain.slice(colon + 1)))
  );
}

/** The domains that nobody before has taken and that are nobody's full name. */
function freeDomains(part: HostPart, taken: Set<string>, fullNames: FullNames): readonly string[] {
  const domains = part.value.domains ?? [];
  return domains.filter((domain) => {
    // Envoy compares without regard to case, and takes no domain twice.
    const name = domain.toLowerCase();
    if (taken.has(name) || (part.alternatives.includes(domain) && isFullName(domain, fullNames))) return false;
    taken.add(name);
    return true;
  });
}
