import { refOf } from "@fairlead/config";
import {
  type EgressScope,
  egressVirtualServices,
  namespaceAmong,
  type Query,
  type Reader,
  sameMembers,
  sidecarScopeOf,
} from "@fairlead/mesh";
import { isWildcardHost, type ObjectRef, parseProtocol, type Service } from "@fairlead/model";
import type { Route } from "../../proto/types.ts";
import { claimedHosts, claimsAny, type Speaker, speakerAmong } from "./host-claim.ts";
import type { Part } from "./part.ts";
import { isGatewayApiRoute } from "./rule.ts";
import { type Candidate, type Settled, settle } from "./settled-domains.ts";
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

interface AssembledHosts extends OutboundHosts {
  readonly settled: Settled;
}

const NONE: AssembledHosts = { hosts: [], failed: [], settled: { candidates: [], domains: [], order: [] } };

interface Scope {
  readonly services: readonly Service[];
  readonly egress: number;
  /** 0: all. */
  readonly port: number;
}

/** Whether a listener is for services on every port: an HTTP proxy, or a Unix socket. */
export function isForAllPorts(port: number, listener: EgressScope["listener"] | undefined): boolean {
  return port === 0 || parseProtocol(listener?.port?.protocol ?? "") === "HTTP_PROXY";
}

function scopeOf(read: Reader, { port, routeName }: Port): Scope | undefined {
  const scope = egressScopeFor(read, port, routeName);
  if (!scope) return undefined;
  const all = isForAllPorts(port, scope.listener);
  return { services: scope.services, egress: scope.index, port: all ? 0 : port };
}

const keyOf = ({ port, routeName }: Port) => (port === 0 ? routeName : `${port}`);

const virtualHosts: Query<Port, AssembledHosts> = {
  name: "outbound-virtual-hosts",
  key: keyOf,
  compute(read, place, previous) {
    const scope = scopeOf(read, place);
    if (!scope) return NONE;
    const { wrappers, failed } = read.ask(spoken, place);
    const aliases = aliasesOf(scope.services);
    const candidates: Candidate[] = [];
    for (const { port, names, services, routes, source } of wrappers) {
      for (const host of names)
        candidates.push({ part: namedVirtualHost(read, { host, port, routes, source }), port, service: undefined });
      for (const service of services)
        candidates.push(candidate(read, service, port, aliases, scope.port === 0, routes));
    }
    for (const one of read.ask(unspoken, place)) candidates.push(one);
    const settled = settle(candidates, scope.port, previous?.settled);
    const hosts = settled.order.map((at) =>
      withDomains(read, (candidates[at] as Candidate).part, settled.domains[at] ?? []),
    );
    return { hosts, failed, settled };
  },
  equal: (a, b) => sameMembers(a.hosts, b.hosts) && sameMembers(a.failed, b.failed),
};

/** The virtual hosts for requests to a port; those of all ports for port 0. `routeName` matters for port 0 only. */
export function outboundVirtualHosts(read: Reader, port: number, routeName: string): OutboundHosts {
  return read.ask(virtualHosts, { port, routeName });
}

function candidate(
  read: Reader,
  service: Service,
  port: number,
  aliases: ReadonlyMap<string, readonly string[]>,
  anyPort: boolean,
  routes?: Part<readonly Route[]>,
): Candidate {
  const dialled = { service, aliases: aliases.get(service.hostname) ?? [], port, anyPort };
  return { part: serviceVirtualHost(read, routes ? { ...dialled, routes } : dialled), port, service };
}

function inPort(services: readonly Service[], port: number): ReadonlyMap<string, Service> {
  const found = new Map<string, Service>();
  for (const service of services)
    if (port === 0 || service.ports.some(({ number }) => number === port)) found.set(service.hostname, service);
  return found;
}

/** The services of the scope that no VirtualService speaks for: they stay as they are when one is edited. */
const unspoken: Query<Port, readonly Candidate[]> = {
  name: "outbound-virtual-hosts-unspoken",
  key: keyOf,
  compute(read, place) {
    const scope = scopeOf(read, place);
    if (!scope) return [];
    const services = inPort(scope.services, scope.port);
    const others = new Set(read.ask(spokenServices, place));
    const aliases = aliasesOf(scope.services);
    const found: Candidate[] = [];
    for (const service of scope.services) {
      if (services.get(service.hostname) !== service || others.has(service) || service.resolution === "Alias") continue;
      for (const port of httpPorts(service, scope.port))
        found.push(candidate(read, service, port, aliases, scope.port === 0));
    }
    return found;
  },
  equal: sameCandidates,
};

function sameCandidates(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return a.length === b.length && a.every(({ part, port }, at) => part === b[at]?.part && port === b[at]?.port);
}

interface Spoken {
  readonly wrappers: readonly Wrapper[];
  readonly failed: OutboundHosts["failed"];
  readonly services: ReadonlySet<Service>;
}

/** What VirtualServices say of a port and its names. */
interface Wrapper {
  readonly port: number;
  readonly names: readonly string[];
  readonly services: readonly Service[];
  readonly routes: Part<readonly Route[]>;
  readonly source: ObjectRef;
}

const spoken: Query<Port, Spoken> = {
  name: "outbound-virtual-hosts-spoken",
  key: keyOf,
  compute(read, place) {
    const scope = scopeOf(read, place);
    return scope ? spokenOf(read, scope) : { wrappers: [], failed: [], services: new Set() };
  },
};

const spokenServices: Query<Port, readonly Service[]> = {
  name: "outbound-services-spoken-for",
  key: keyOf,
  compute: (read, place) => [...read.ask(spoken, place).services],
  equal: sameMembers,
};

function spokenOf(read: Reader, { services: inScope, egress, port }: Scope): Spoken {
  const virtualServices = egressVirtualServices(read, egress);
  const services = inPort(inScope, port);
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
    const source = refOf(virtualService.object);
    const byPort = new Map<number, Service[]>();
    for (const service of claimed.services)
      for (const number of httpPorts(service, port)) {
        const list = byPort.get(number) ?? [];
        byPort.set(number, list);
        list.push(service);
        spokenFor.add(service);
      }
    if (byPort.size === 0 && port === 80) byPort.set(80, []);
    for (const [number, own] of byPort)
      wrappers.push({ port: number, names: claimed.names, services: own, routes, source });
  }
  return { wrappers, failed, services: spokenFor };
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
