import { type MutualTlsMode, meshConfigOf, peerAuthenticationOf, serviceTargetsOf, sidecarOf } from "@fairlead/mesh";
import { isHttp2, isTcp } from "@fairlead/model";
import { shared } from "../../proto/shared.ts";
import type {
  DownstreamTlsContext,
  FilterChain,
  FilterChainMatch,
  Listener,
  ListenerFilter,
} from "../../proto/types.ts";
import { filledPattern } from "../cluster/stat-name.ts";
import type { Build } from "../generated.ts";
import { clusterName, INBOUND_PASSTHROUGH_CLUSTER, VIRTUAL_INBOUND } from "../names.ts";
import { patchedRoutes } from "../patch/route-patch.ts";
import { inboundRouteConfiguration } from "../route/inbound.ts";
import { accessLogs } from "./access-log.ts";
import { additionalAddresses, listenAddress, listenerName, WILDCARDS } from "./address.ts";
import { configMetadata } from "./filter-chain.ts";
import { STAT_PREFIX_END } from "./http-connection-manager.ts";
import { afterTls, customTlsMatches, type InboundMatch, inboundMatches } from "./inbound-match.ts";
import { type InboundPort, inboundPlanOf } from "./inbound-plan.ts";
import { inspectors } from "./inspectors.ts";
import { httpChainFilters, leadingNetworkFilters } from "./network-filters.ts";
import {
  addressFamilyOf,
  capturePorts,
  durationOf,
  idleTimeoutOf,
  interceptionModeOf,
  metadataFlag,
} from "./node-settings.ts";
import { serverTlsContext } from "./server-tls.ts";
import { ORIGINAL_DESTINATION, ORIGINAL_SOURCE } from "./static-filters.ts";
import { protocolFilters, tcpProxyFilter } from "./tcp-filters.ts";
import { meshTransportSocket, tlsTransportSocket } from "./tls-context.ts";
import { defined } from "./typed.ts";
import { blackhole } from "./virtual-outbound.ts";

/** Where redirected inbound connections arrive: a chain for every way in which each port can be talked to. */
export function virtualInbound(build: Build): Listener {
  const { read } = build;
  const { inbound } = capturePorts(read);
  const { ports, problems } = inboundPlanOf(read);
  for (const problem of problems) build.report(problem);
  const chains = [
    blackhole(`${VIRTUAL_INBOUND}-blackhole`, inbound),
    ...passthroughModes(build).flatMap(({ port, mode }) => chainsOf(build, passthrough(port), mode)),
    ...ports.filter((port) => !port.bindToPort).flatMap((port) => portChains(build, port)),
  ];
  const binds = WILDCARDS[addressFamilyOf(read)];
  return inboundListener(build, VIRTUAL_INBOUND, binds, inbound, chains, false);
}

/** A listener that really listens on a port that a Sidecar names. */
export function boundInbound(build: Build, port: InboundPort): Listener {
  // With redirection these are said by the capturing listener.
  const { ports, problems } = inboundPlanOf(build.read);
  if (interceptionModeOf(build.read) === "NONE" && ports[0]?.targetPort === port.targetPort)
    for (const problem of problems) build.report(problem);
  const name = listenerName(port.binds[0] ?? "", port.targetPort);
  return inboundListener(build, name, port.binds, port.targetPort, portChains(build, port), true);
}

function inboundListener(
  build: Build,
  name: string,
  [bind = "", ...others]: readonly string[],
  port: number,
  filterChains: FilterChain[],
  bindToPort: boolean,
): Listener {
  const { read } = build;
  const transparent = !bindToPort && interceptionModeOf(read) === "TPROXY";
  const listenerFilters = [
    ...(bindToPort ? [] : [ORIGINAL_DESTINATION]),
    ...(transparent ? [ORIGINAL_SOURCE] : []),
    ...inspectors(filterChains),
  ];
  return defined<Listener>({
    name,
    address: listenAddress(bind, port),
    additionalAddresses: additionalAddresses(others, port),
    trafficDirection: "INBOUND",
    continueOnListenerFiltersTimeout: true,
    maxConnectionsToAcceptPerSocketEvent: 1,
    connectionBalanceConfig: metadataFlag(read, "INBOUND_LISTENER_EXACT_BALANCE") ? { exactBalance: {} } : undefined,
    transparent: transparent || undefined,
    accessLog: accessLogs(build, "sidecar-inbound", "listener"),
    listenerFilters: listenerFilters.length > 0 ? listenerFilters : undefined,
    listenerFiltersTimeout: durationOf(meshConfigOf(read).protocolDetectionTimeout) ?? "0s",
    filterChains,
  });
}

/** The mTLS modes of traffic to ports that nothing names: of the workload, and of ports that a policy names itself. */
function passthroughModes(build: Build): { readonly port: number; readonly mode: MutualTlsMode }[] {
  const { read } = build;
  const { mode, ports, sources } = peerAuthenticationOf(read);
  for (const source of sources) build.uses(source);
  const { ingress } = sidecarOf(read)?.spec ?? {};
  const named = new Set(
    ingress?.length
      ? ingress.map(({ port }) => port.number)
      : serviceTargetsOf(read).map(({ targetPort }) => targetPort),
  );
  const others = Object.entries(ports)
    .map(([port, of]) => ({ port: Number(port), mode: of }))
    .filter(({ port }) => !named.has(port))
    .sort((a, b) => a.port - b.port);
  return [{ port: 0, mode }, ...others];
}

type ChainPort = Pick<InboundPort, "targetPort" | "port" | "protocol" | "host"> & Partial<InboundPort>;

function passthrough(targetPort: number): ChainPort {
  return { targetPort, port: { number: 0, name: VIRTUAL_INBOUND }, protocol: "Unspecified", host: "" };
}

/** The chains of a port, with the user's certificate where a Sidecar gives one and mTLS is off. */
function portChains(build: Build, port: InboundPort): FilterChain[] {
  const { read } = build;
  const { mode, ports, sources } = peerAuthenticationOf(read);
  for (const source of sources) build.uses(source);
  const effective = ports[port.targetPort] ?? mode;
  const tls = port.ingress?.tls;
  if (!tls) return chainsOf(build, port, effective);
  const protocol = afterTls(port.protocol);
  if (effective !== "DISABLE") {
    build.report({
      code: "tls-conflict",
      severity: "warning",
      object: port.source,
      path: `${port.path}.tls`,
      message: `needs mTLS of port ${port.targetPort} to be DISABLE (it is ${effective}): the mesh's certificate is used`,
    });
    return chainsOf(build, { ...port, protocol }, effective);
  }
  const context = serverTlsContext(build, tls, { object: port.source, path: `${port.path}.tls` });
  return chainsOf(build, { ...port, protocol }, "DISABLE", context);
}

function chainsOf(build: Build, port: ChainPort, mode: MutualTlsMode, custom?: DownstreamTlsContext): FilterChain[] {
  const matches = custom ? customTlsMatches(port.protocol) : inboundMatches(port.protocol, mode);
  const handlers: { http?: ListenerFilter[]; tcp?: ListenerFilter[] } = {};
  // Chains of one port differ in what they match: what handles HTTP, and what does not look, is one for all of them.
  const filtersOf = (content: "http" | "tcp") => {
    handlers[content] ??= (content === "http" ? httpFilters(build, port) : tcpFilters(build, port)).map(shared);
    return handlers[content];
  };
  return matches.map((match) => {
    const socket = custom ? () => tlsTransportSocket(custom) : () => meshTransportSocket(build.read);
    const chain = defined<FilterChain>({
      name: chainName(port, match),
      filterChainMatch: defined<FilterChainMatch>({
        applicationProtocols: match.applicationProtocols ? [...match.applicationProtocols] : undefined,
        transportProtocol: match.transportProtocol,
        destinationPort: port.targetPort || undefined,
      }),
      filters: filtersOf(match.content),
      transportSocket: match.terminatesTls ? socket() : undefined,
      metadata: port.sidecar ? configMetadata(port.sidecar) : undefined,
    });
    return port.source ? build.from(chain, port.source, port.path) : chain;
  });
}

function chainName({ binds, targetPort }: ChainPort, { content }: InboundMatch): string {
  if (binds) return listenerName(binds[0] ?? "", targetPort);
  return content === "http" ? `${VIRTUAL_INBOUND}-catchall-http` : VIRTUAL_INBOUND;
}

function clusterOf({ binds, targetPort }: ChainPort): string {
  return binds ? clusterName("inbound", targetPort, "", "") : INBOUND_PASSTHROUGH_CLUSTER;
}

function httpFilters(build: Build, port: ChainPort): ListenerFilter[] {
  const cluster = clusterOf(port);
  const statName = port.binds ? `inbound_${listenerName(port.binds[0] ?? "", port.targetPort)}` : cluster;
  return httpChainFilters(build, {
    kind: isHttp2(port.protocol) ? "inbound-http2" : "inbound",
    port: port.targetPort,
    routes: patchedRoutes(
      build,
      inboundRouteConfiguration({
        cluster,
        port: port.port.number,
        host: port.host,
        protocol: port.protocol,
      }),
      "SIDECAR_INBOUND",
    ),
    statPrefix: `${statName}${STAT_PREFIX_END}`,
    protocol: port.protocol,
  });
}

function tcpFilters(build: Build, port: ChainPort): ListenerFilter[] {
  const { read } = build;
  const cluster = clusterOf(port);
  const pattern = meshConfigOf(read).inboundClusterStatName;
  const named = port.service ?? { hostname: port.host, name: port.host, namespace: "", registry: "" };
  const statPrefix = pattern
    ? filledPattern(pattern, { service: named, subset: "", port: port.port, targetPort: 0 })
    : cluster;
  const idleTimeout = idleTimeoutOf(read);
  return [
    ...leadingNetworkFilters(
      build,
      "sidecar-inbound",
      port.targetPort,
      isTcp(port.protocol) ? "declared" : "undeclared",
    ),
    ...protocolFilters(port.protocol, statPrefix),
    tcpProxyFilter(build, "sidecar-inbound", { statPrefix, cluster, ...(idleTimeout ? { idleTimeout } : {}) }),
  ];
}
