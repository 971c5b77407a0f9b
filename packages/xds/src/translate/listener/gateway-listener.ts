import type { Reader } from "@fairlead/mesh";
import { type Diagnostic, isHttp, parseProtocol } from "@fairlead/model";
import type { FilterChain, Listener } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { type PlacedServer, terminatesHttps } from "../route/gateway-server.ts";
import { gatewayServersOf, type MergedPort } from "../route/gateway-servers.ts";
import { accessLogs } from "./access-log.ts";
import { additionalAddresses, listenAddress, listenerName, WILDCARDS } from "./address.ts";
import { bufferLimit, effectiveConnectionSettings } from "./connection-settings.ts";
import { type ChainPlan, ChainSet, filterChain } from "./filter-chain.ts";
import { gatewayConnectionChains, leadsSomewhere } from "./gateway-chains.ts";
import { STAT_PREFIX_END } from "./http-connection-manager.ts";
import { http3Listener, http3Servers, UDP_PREFIX } from "./http3-listener.ts";
import { httpChainFilters } from "./network-filters.ts";
import { addressFamilyOf, metadataFlag, proxySettingsOf } from "./node-settings.ts";
import { serverTlsContext } from "./server-tls.ts";
import { PROXY_PROTOCOL, TLS_INSPECTOR } from "./static-filters.ts";
import { defined } from "./typed.ts";

/** The names of a gateway's listeners, with the merged ports of each: one for every address and port, and for HTTP/3 beside it. */
export function gatewayListenerPorts(build: Pick<Build, "read">): ReadonlyMap<string, readonly MergedPort[]> {
  const [wildcard] = WILDCARDS[addressFamilyOf(build.read)];
  const unprivileged = metadataFlag(build.read, "UNPRIVILEGED_POD");
  const found = new Map<string, MergedPort[]>();
  for (const merged of gatewayServersOf(build.read).ports) {
    if (unprivileged && merged.port < 1024) continue;
    const name = listenerName(merged.bind || wildcard, merged.port);
    found.set(name, [...(found.get(name) ?? []), merged]);
    if (http3Servers(merged).length === 0) continue;
    found.set(UDP_PREFIX + name, [...(found.get(UDP_PREFIX + name) ?? []), merged]);
  }
  return found;
}

/** What is wrong with the servers of a gateway: those left out, and those that lead nowhere. */
export function serverDiagnostics(read: Reader): readonly Diagnostic[] {
  const { diagnostics, ports } = gatewayServersOf(read);
  const idle = ports
    .flatMap(({ servers }) => servers)
    .filter((placed) => !leadsSomewhere(read, placed))
    .map(
      ({ source, path, server }): Diagnostic => ({
        code: "server-without-routes",
        severity: "warning",
        object: source,
        path,
        message: `no VirtualService has a route for port ${server.port.number} of this server: it is not served`,
      }),
    );
  return [...diagnostics, ...idle];
}

/** A listener of a gateway; undefined when none of its servers has anywhere to lead to. */
export function gatewayListener(build: Build, name: string, ports: readonly MergedPort[]): Listener | undefined {
  if (name.startsWith(UDP_PREFIX)) return http3Listener(build, name, ports);
  const { read } = build;
  const [first] = ports;
  if (!first) return undefined;
  const servedNames = new Map<string, string>();
  const set = new ChainSet();
  for (const merged of ports) {
    for (const placed of merged.servers) {
      build.uses(placed.source);
      reportServerFields(build, placed);
    }
    if (isHttp(merged.protocol)) {
      set.add(plainHttp(build, name, merged));
      continue;
    }
    for (const placed of merged.servers) {
      const made = terminatesHttps(placed.server)
        ? [https(build, name, placed)]
        : gatewayConnectionChains(build, placed, servedNames);
      for (const plan of made) {
        const { lost } = set.add(plan);
        if (lost.length > 0)
          build.report({
            code: "listener-conflict",
            severity: "warning",
            object: placed.source,
            path: placed.path,
            message: `port ${merged.port} serves ${lost.join(", ")} elsewhere already: it is left out here`,
          });
      }
    }
  }
  const plans = set.chains;
  if (plans.length === 0) return undefined;
  const settings = proxySettingsOf(read);
  const [wildcard, ...others] = WILDCARDS[addressFamilyOf(read)];
  const inspectsTls = plans.some(({ serverNames, tls }) => (serverNames?.length ?? 0) > 0 || tls !== undefined);
  const listenerFilters = [
    ...(settings.gatewayTopology?.proxyProtocol ? [PROXY_PROTOCOL] : []),
    ...(inspectsTls ? [TLS_INSPECTOR] : []),
  ];
  return defined<Listener>({
    name,
    address: listenAddress(first.bind || wildcard, first.port),
    additionalAddresses: first.bind ? undefined : additionalAddresses(others, first.port),
    trafficDirection: "OUTBOUND",
    maxConnectionsToAcceptPerSocketEvent: 1,
    connectionBalanceConfig: metadataFlag(read, "OUTBOUND_LISTENER_EXACT_BALANCE") ? { exactBalance: {} } : undefined,
    perConnectionBufferLimitBytes: bufferLimit(effectiveConnectionSettings(settings.connectionSettings, true)),
    accessLog: accessLogs(build, "gateway", "listener"),
    // No timeout: Envoy's own of 15 seconds ends handshakes that never come.
    listenerFilters: listenerFilters.length > 0 ? listenerFilters : undefined,
    filterChains: plans.map((plan): FilterChain => filterChain(plan)),
  });
}

/** Fields of servers that have no effect, here or in Istio. */
function reportServerFields(build: Build, { server, source, path, http3 }: PlacedServer): void {
  const report = (field: string, message: string) =>
    build.report({ code: "unsupported-field", severity: "warning", object: source, path: `${path}.${field}`, message });
  if (http3 === "refused")
    report("tls.mode", "HTTP/3 is not served where clients show a certificate, which it does not ask for");
  if (server.defaultEndpoint) report("defaultEndpoint", "has no effect: VirtualServices say where traffic goes");
  if (server.port.targetPort) report("port.targetPort", "is deprecated and has no effect");
  // Also HBONE: gateways do not end the tunnels of the mesh.
  if (parseProtocol(server.port.protocol) === "Unspecified")
    report("port.protocol", `${JSON.stringify(server.port.protocol)} is not known to gateways: it is taken as TCP`);
}

/** All plain HTTP servers of a port share a chain: their routes tell them apart. */
function plainHttp(build: Build, name: string, merged: MergedPort): ChainPlan {
  const [first] = merged.servers;
  const plan: ChainPlan = {
    filters: manager(build, merged.port, merged.routeName, `outbound_${name}`, merged.protocol),
  };
  return first ? build.from(plan, first.source, first.path) : plan;
}

function https(build: Build, name: string, { server, source, path, routeName, sniHosts }: PlacedServer): ChainPlan {
  const { tls } = server;
  const protocol = parseProtocol(server.port.protocol);
  const filters = manager(
    build,
    server.port.number,
    routeName,
    server.name || `outbound_${name}`,
    protocol,
    !server.name,
  );
  return {
    serverNames: sniHosts,
    ...(tls ? { tls: serverTlsContext(build, tls, { object: source, path: `${path}.tls` }) } : {}),
    filters: filters.map((filter) => build.from(filter, source, path)),
  };
}

function manager(
  build: Build,
  port: number,
  routes: string,
  statName: string,
  protocol: MergedPort["protocol"],
  delimit = true,
) {
  return httpChainFilters(build, {
    kind: "gateway",
    port,
    routes,
    statPrefix: delimit ? `${statName}${STAT_PREFIX_END}` : statName,
    protocol,
  });
}
