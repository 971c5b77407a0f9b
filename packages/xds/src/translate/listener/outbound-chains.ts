import type { TcpMatch, TcpRoute, TlsMatch, TlsRoute } from "@fairlead/config";
import {
  egressVirtualServicesOf,
  meshConfigOf,
  nodeMatches,
  nodeNamespace,
  type Reader,
  type ResolvedVirtualService,
} from "@fairlead/mesh";
import { isTls, type ObjectRef } from "@fairlead/model";
import { filledPattern } from "../cluster/stat-name.ts";
import type { Build } from "../generated.ts";
import { clusterName } from "../names.ts";
import { serviceAddresses } from "../service-addresses.ts";
import { UNSPECIFIED, WILDCARDS } from "./address.ts";
import { dynamicDnsFilters } from "./dynamic-dns.ts";
import { type ChainPlan, configMetadata } from "./filter-chain.ts";
import { leadingNetworkFilters } from "./network-filters.ts";
import { addressFamilyOf } from "./node-settings.ts";
import type { Contribution } from "./outbound-plan.ts";
import { routeDestinations, singleDestination, type TcpOptions } from "./tcp-filters.ts";

/** The chains that a service's port adds for content that is not HTTP. */
export function connectionChains(build: Build, contribution: Contribution): ChainPlan[] {
  const { service, port, egress } = contribution;
  const options: TcpOptions = {
    listenerClass: "sidecar-outbound",
    port: port.number,
    portName: port.name,
    protocol: port.protocol,
    leadingFilters: leadingNetworkFilters(build, "sidecar-outbound", port.number, "none"),
  };
  const routes = egressVirtualServicesOf(build.read, egress, service.hostname);
  return isTls(port.protocol)
    ? tlsChains(build, contribution, options, routes)
    : tcpChains(build, contribution, options, routes);
}

/** Whether a match can hold for this node on this listener; what is left is decided by Envoy. */
function appliesHere(read: Reader, match: TlsMatch | TcpMatch, port: number): boolean {
  return (
    (!match.gateways || match.gateways.length === 0 || match.gateways.includes("mesh")) &&
    (!match.port || match.port === port) &&
    (!match.sourceNamespace || match.sourceNamespace === nodeNamespace(read)) &&
    nodeMatches(read, match.sourceLabels ?? {})
  );
}

function tlsChains(
  build: Build,
  contribution: Contribution,
  options: TcpOptions,
  routes: readonly ResolvedVirtualService[],
): ChainPlan[] {
  const { port, destinations } = contribution;
  const chains: ChainPlan[] = [];
  // Matches that Envoy could not tell apart: the first one is the only one that is ever reached.
  const seen = new Set<string>();
  let ranges = destinations;
  for (const { object, tls } of routes)
    for (const { rule, source, path } of tls) {
      if ((rule.route ?? []).length === 0) continue;
      for (const [index, match] of (rule.match ?? []).entries()) {
        if (!appliesHere(build.read, match, port.number)) continue;
        if (match.destinationSubnets?.length && port.number > 0) ranges = match.destinationSubnets;
        const key = `${(match.sniHosts ?? []).join(",")}|${(match.destinationSubnets ?? []).join(",")}`;
        if (!seen.has(key))
          chains.push({
            metadata: configMetadata(object),
            ...(match.sniHosts ? { serverNames: match.sniHosts } : {}),
            ...(ranges ? { destinations: ranges } : {}),
            filters: routeDestinations(build, options, (rule as TlsRoute).route ?? [], object, { path }),
          });
        else
          build.report({
            code: "route-unreachable",
            severity: "warning",
            object: source,
            path: `${path}.match[${index}]`,
            message: "an earlier TLS match takes the same server names and addresses",
          });
        seen.add(key);
      }
    }
  if (chains.length > 0) return chains;
  return [plainChain(build, contribution, options, serverNamesOf(build.read, contribution))];
}

/** The names by which a service is told apart where its address does not do so. */
function serverNamesOf(read: Reader, { service, destinations, binds }: Contribution): readonly string[] | undefined {
  const family = addressFamilyOf(read);
  const [wildcard] = WILDCARDS[family];
  const [[address = UNSPECIFIED] = []] = serviceAddresses(read, service);
  const own = address === UNSPECIFIED && service.registry === "External" ? wildcard : address;
  const shared = (own === wildcard && binds[0] === wildcard) || own.includes("/");
  const dynamic = service.hostname.startsWith("*") && service.resolution === "DynamicDNS";
  return (destinations?.length ?? 0) > 0 || shared || dynamic ? [service.hostname] : undefined;
}

function tcpChains(
  build: Build,
  contribution: Contribution,
  options: TcpOptions,
  routes: readonly ResolvedVirtualService[],
): ChainPlan[] {
  const { port, destinations } = contribution;
  const chains: ChainPlan[] = [];
  let covered = false;
  for (const { object, tcp } of routes)
    for (const { rule, source, path } of tcp) {
      if ((rule.route ?? []).length === 0) continue;
      const matches = (rule.match ?? []).filter((match) => appliesHere(build.read, match, port.number));
      reportSourceSubnets(build, rule, source, path);
      if ((rule.match ?? []).length > 0 && matches.length === 0) continue;
      const filters = routeDestinations(build, options, rule.route ?? [], object, { path });
      const anywhere =
        matches.length === 0 || matches.some((match) => !match.destinationSubnets?.length || port.number === 0);
      if (anywhere) {
        chains.push({ metadata: configMetadata(object), ...(destinations ? { destinations } : {}), filters });
        return chains;
      }
      const subnets = matches.flatMap((match) => [...(match.destinationSubnets ?? [])]);
      chains.push({ destinations: subnets, filters });
      covered ||= [...subnets].sort().join() === [...(destinations ?? [])].sort().join();
    }
  if (!covered) chains.push(plainChain(build, contribution, options, undefined));
  return chains;
}

/** Straight to the service. */
function plainChain(
  build: Build,
  { service, port, destinations }: Contribution,
  options: TcpOptions,
  serverNames: readonly string[] | undefined,
): ChainPlan {
  const { read } = build;
  // A Sidecar's port that the service does not have stands for the only port that it does have.
  const number = service.ports.length === 1 ? (service.ports[0]?.number ?? port.number) : port.number;
  const cluster = clusterName("outbound", number, "", service.hostname);
  const pattern = meshConfigOf(read).outboundClusterStatName;
  const statPrefix = pattern
    ? filledPattern(pattern, { service: service, subset: "", port: { number, name: "" }, targetPort: 0 })
    : cluster;
  const filters = singleDestination(
    build,
    {
      ...options,
      leadingFilters: [...(options.leadingFilters ?? []), ...dynamicDnsFilters(read, service, port.number)],
    },
    { cluster, statPrefix, subset: "", service },
  );
  for (const filter of filters) build.from(filter, service.source);
  return {
    ...(serverNames ? { serverNames } : {}),
    ...(destinations ? { destinations } : {}),
    filters,
  };
}

/** Says of TCP matches what Envoy is not asked. */
export function reportSourceSubnets(build: Build, rule: TcpRoute, object: ObjectRef, path: string): void {
  for (const [index, match] of (rule.match ?? []).entries())
    if (match.sourceSubnet)
      build.report({
        code: "unsupported-field",
        severity: "warning",
        object,
        path: `${path}.match[${index}].sourceSubnet`,
        message: "clients are not told apart by their address: the route is taken whoever connects",
      });
}
