import {
  type ConfigObject,
  type RouteDestination,
  refOf,
  type TcpMatch,
  type TcpRoute,
  type TlsMatch,
} from "@fairlead/config";
import {
  destinationRuleOf,
  gatewayServices,
  meshConfigOf,
  type Placed,
  type Reader,
  type ResolvedVirtualService,
  virtualServicesOf,
} from "@fairlead/mesh";
import { hostsOverlap, isSubsetHost, type ObjectRef, parseProtocol, type Service } from "@fairlead/model";
import { filledPattern } from "../cluster/stat-name.ts";
import type { Build } from "../generated.ts";
import { sniClusterName } from "../names.ts";
import { isHttpServer, isPassthroughServer, type PlacedServer } from "../route/gateway-server.ts";
import type { ChainPlan } from "./filter-chain.ts";
import { leadingNetworkFilters } from "./network-filters.ts";
import { reportSourceSubnets } from "./outbound-chains.ts";
import { serverTlsContext } from "./server-tls.ts";
import { routeDestinations, singleDestination, type TcpOptions } from "./tcp-filters.ts";

/** What clients of the mesh offer: an AUTO_PASSTHROUGH server hands on nothing else. */
const MESH_ALPN = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

/** The chains of a server whose content is not HTTP, or is not seen. `served` collects the server names of the listener. */
export function gatewayConnectionChains(build: Build, placed: PlacedServer, served: Map<string, string>): ChainPlan[] {
  const { server, source, path, sniHosts } = placed;
  if (server.tls && isPassthroughServer(server))
    return server.tls.mode === "AUTO_PASSTHROUGH" ? autoPassthrough(build, placed) : passthrough(build, placed, served);
  const found = tcpRouteOf(build.read, placed);
  if (!found) return [];
  const { object, rule } = found;
  reportSourceSubnets(build, rule.rule, rule.source, rule.path);
  reportSidecarMatches(build, placed, rule.rule.match, rule.source, rule.path);
  const filters = routeDestinations(build, optionsOf(build, placed), rule.rule.route ?? [], object, rule);
  if (!server.tls) return [{ filters }];
  return [
    {
      serverNames: sniHosts,
      tls: serverTlsContext(build, server.tls, { object: source, path: `${path}.tls` }),
      filters,
    },
  ];
}

/** Whether a server leads anywhere. HTTP always does: to 404 where it has no routes. */
export function leadsSomewhere(read: Reader, placed: PlacedServer): boolean {
  const { server } = placed;
  if (isHttpServer(server)) return true;
  if (!isPassthroughServer(server)) return tcpRouteOf(read, placed) !== undefined;
  return (
    server.tls?.mode === "AUTO_PASSTHROUGH" ||
    routesOf(read, placed).some(({ tls }) =>
      tls.some(
        ({ rule }) => (rule.route ?? []).length > 0 && (rule.match ?? []).some((match) => matchesServer(match, placed)),
      ),
    )
  );
}

function optionsOf(build: Build, { server }: PlacedServer): TcpOptions {
  return {
    listenerClass: "gateway",
    port: server.port.number,
    portName: server.port.name,
    protocol: parseProtocol(server.port.protocol),
    leadingFilters: leadingNetworkFilters(build, "gateway", server.port.number, "declared"),
  };
}

/** The VirtualServices of the server's Gateway that may use one of its hosts. */
function routesOf(read: Reader, { gatewayName, hosts }: PlacedServer): readonly ResolvedVirtualService[] {
  return virtualServicesOf(read, gatewayName).filter((virtualService) =>
    virtualService.hosts.some((host) =>
      hosts.some((served) => {
        const slash = served.indexOf("/");
        if (slash >= 0 && served.slice(0, slash) !== virtualService.namespace) return false;
        return hostsOverlap(served.slice(slash + 1), host);
      }),
    ),
  );
}

function matchesServer(match: TcpMatch | TlsMatch, { server, gatewayName }: PlacedServer): boolean {
  return (
    (!match.port || match.port === server.port.number) &&
    (!match.gateways || match.gateways.length === 0 || match.gateways.includes(gatewayName))
  );
}

/** Gateways look at the port, the gateway and the names asked for; what else a match says is for sidecars. */
function reportSidecarMatches(
  build: Build,
  placed: PlacedServer,
  matches: readonly (TcpMatch | TlsMatch)[] | undefined,
  object: ObjectRef,
  path: string,
): void {
  for (const [index, match] of (matches ?? []).entries()) {
    if (!matchesServer(match, placed)) continue;
    for (const field of ["destinationSubnets", "sourceLabels", "sourceNamespace"] as const)
      if (Object.keys(match[field] ?? {}).length > 0)
        build.report({
          code: "unsupported-field",
          severity: "warning",
          object,
          path: `${path}.match[${index}].${field}`,
          message: "has no effect on gateways: the route is taken without it",
        });
  }
}

/** Connections are not told apart: the first TCP route that fits takes them all. */
function tcpRouteOf(
  read: Reader,
  placed: PlacedServer,
): { readonly object: ConfigObject<"VirtualService">; readonly rule: Placed<TcpRoute> } | undefined {
  for (const { object, tcp } of routesOf(read, placed))
    for (const rule of tcp) {
      const { match = [], route = [] } = rule.rule;
      if (route.length > 0 && (match.length === 0 || match.some((one) => matchesServer(one, placed))))
        return { object, rule };
    }
  return undefined;
}

/** One chain for each TLS match, by the names that clients ask for. */
function passthrough(build: Build, placed: PlacedServer, served: Map<string, string>): ChainPlan[] {
  const bind = placed.server.bind ?? "";
  const chains: ChainPlan[] = [];
  for (const { object, tls } of routesOf(build.read, placed))
    for (const { rule, source, path } of tls) {
      reportSidecarMatches(build, placed, rule.match, source, path);
      const routes: readonly RouteDestination[] = rule.route ?? [];
      if (routes.length === 0) continue;
      for (const [index, match] of (rule.match ?? []).entries()) {
        if (!matchesServer(match, placed)) continue;
        const names = match.sniHosts ?? [];
        const taken = names.filter((name) => served.get(name) === bind);
        if (taken.length > 0) {
          build.report({
            code: "listener-conflict",
            severity: "warning",
            object: refOf(object),
            path: `${path}.match[${index}].sniHosts`,
            message: `${taken.join(", ")} is served by an earlier match on this port already: the match is left out`,
          });
          continue;
        }
        for (const name of names) served.set(name, bind);
        chains.push({
          serverNames: names,
          filters: routeDestinations(build, optionsOf(build, placed), routes, object, { path }),
        });
      }
    }
  return chains;
}

/** One chain for each cluster that other networks may reach by its name in SNI. Nothing but mTLS of the mesh passes. */
function autoPassthrough(build: Build, { hosts, source, path }: PlacedServer): ChainPlan[] {
  const { read } = build;
  const pattern = meshConfigOf(read).outboundClusterStatName;
  const names = hosts.map((host) => host.slice(host.indexOf("/") + 1));
  // A wildcard host has no name to be reached by: Envoy matches `*` at the beginning of a server name only.
  const covered = ({ hostname, meshExternal }: Service) =>
    !meshExternal && !hostname.startsWith("*") && names.some((host) => isSubsetHost(hostname, host));
  return gatewayServices(read)
    .filter(covered)
    .flatMap((service) => {
      const subsets = ["", ...(destinationRuleOf(read, service)?.spec.subsets ?? []).map(({ name }) => name)];
      return service.ports
        .filter(({ protocol }) => protocol !== "UDP")
        .flatMap((port) =>
          subsets.map((subset): ChainPlan => {
            const cluster = sniClusterName(port.number, subset, service.hostname);
            const statPrefix = pattern
              ? filledPattern(pattern, { service: service, subset: subset, port: port, targetPort: 0 })
              : cluster;
            const options: TcpOptions = { listenerClass: "gateway", port: port.number, protocol: port.protocol };
            const filters = singleDestination(build, options, { cluster, statPrefix, subset, service, tunnel: false });
            for (const filter of filters) build.from(filter, source, path);
            return { serverNames: [cluster], applicationProtocols: MESH_ALPN, filters };
          }),
        );
    });
}
