import { refOf } from "@fairlead/config";
import { meshConfigOf, type Query } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { FilterChain, Listener, ListenerFilter } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { BLACKHOLE_CLUSTER, clusterName, PASSTHROUGH_CLUSTER } from "../names.ts";
import { outboundTrafficPolicyOf } from "../route/catch-all.ts";
import { include, type Part, partOf } from "../route/part.ts";
import { additionalAddresses, LOCALHOSTS, listenAddress, listenerName, WILDCARDS } from "./address.ts";
import { dynamicDnsHttpFilters } from "./dynamic-dns.ts";
import { type ChainPlan, ChainSet, filterChain, matchesAll } from "./filter-chain.ts";
import { STAT_PREFIX_END } from "./http-connection-manager.ts";
import { PLAINTEXT_HTTP_ALPN } from "./inspectors.ts";
import { meshProtocolFilters } from "./mesh-protocol.ts";
import { httpChainFilters } from "./network-filters.ts";
import { addressFamilyOf, durationOf, idleTimeoutOf, metadataFlag } from "./node-settings.ts";
import { connectionChains } from "./outbound-chains.ts";
import { type Contribution, egressSource, type OutboundListenerPlan } from "./outbound-plan.ts";
import { HTTP_INSPECTOR, TLS_INSPECTOR } from "./static-filters.ts";
import { tcpProxyFilter } from "./tcp-filters.ts";
import { defined } from "./typed.ts";

const NAME_OF_FALLTHROUGH = "PassthroughFilterChain";

/** An outbound listener with the chains of all services that take part in it. */
export function outboundListener(build: Build, plan: OutboundListenerPlan): Listener {
  const set = new ChainSet();
  for (const [index, contribution] of plan.contributions.entries()) {
    build.uses(contribution.service.source);
    const source = egressSource(build.read, contribution.egress);
    if (source && index === 0) build.uses(refOf(source.sidecar));
    for (const chain of chainsOf(build, contribution, plan)) {
      const { lost } = set.add(chain);
      if (lost.length > 0) reportConflict(build, contribution, plan, lost);
    }
  }
  return listenerOf(build, plan, set.chains);
}

function reportConflict(
  build: Build,
  { service, port }: Contribution,
  { name, contributions }: OutboundListenerPlan,
  lost: readonly string[],
): void {
  const winner = contributions[0]?.service;
  build.report({
    code: "listener-conflict",
    severity: "warning",
    object: service.source,
    path: "",
    message: `port ${port.number} of ${service.hostname} cannot be told apart from ${winner === service ? "an earlier route" : (winner?.hostname ?? "an earlier service")} on listener ${name}, which takes ${lost.join(", ")}`,
  });
}

function chainsOf(build: Build, contribution: Contribution, plan: OutboundListenerPlan): ChainPlan[] {
  const { adds } = contribution;
  if (adds === "tcp") return connectionChains(build, contribution);
  const http = httpChain(build, contribution, plan);
  return adds === "http" ? [http] : [...connectionChains(build, contribution), http];
}

/** The name under which the routes of an outbound listener are asked for. */
function routesName({ adds, port, service, binds }: Contribution, wildcard: string): string {
  if (port.number === 0) return binds[0] ?? "";
  // An address of its own, and no declared protocol: the routes are this service's alone.
  return adds === "auto" && binds[0] !== wildcard ? `${service.hostname}:${port.number}` : String(port.number);
}

function httpChain(build: Build, contribution: Contribution, plan: OutboundListenerPlan): ChainPlan {
  const { read } = build;
  const [wildcard] = WILDCARDS[addressFamilyOf(read)];
  const { adds, port, service, binds } = contribution;
  // Listeners on the wildcard address lead to many services, also to some outside the mesh.
  const meshProtocol = binds[0] === wildcard ? [] : meshProtocolFilters(read, contribution);
  const filters = httpChainFilters(build, {
    kind: "outbound",
    port: port.number,
    routes: routesName(contribution, wildcard),
    statPrefix: `outbound_${plan.name}${STAT_PREFIX_END}`,
    protocol: port.protocol,
    lastFilters: [...meshProtocol, ...dynamicDnsHttpFilters(read, service)],
  });
  const sniffed = adds === "auto" || (binds[0] === wildcard && port.protocol !== "HTTP_PROXY");
  return build.from(
    {
      filters: filters.map((filter) => build.from(filter, service.source)),
      ...(sniffed ? { applicationProtocols: PLAINTEXT_HTTP_ALPN, transportProtocol: "raw_buffer" } : {}),
    },
    service.source,
  );
}

const fallthrough: Query<void, Part<ListenerFilter[]>> = {
  name: "fallthrough-filters",
  key: () => "",
  compute: (read) => partOf(read, madeFallthrough),
};

/** Where connections go that no chain takes; the same filters for all listeners. */
export function fallthroughFilters(build: Build): ListenerFilter[] {
  return include(build, build.read.ask(fallthrough, undefined));
}

/** Those as the last chain of a listener. */
const lastChain: Query<void, Part<FilterChain>> = {
  name: "fallthrough-chain",
  key: () => "",
  compute: (read) =>
    partOf(read, (build) =>
      shared({ name: NAME_OF_FALLTHROUGH, filterChainMatch: {}, filters: fallthroughFilters(build) }),
    ),
};

function madeFallthrough(build: Build): ListenerFilter[] {
  const { mode, egressProxy, source } = outboundTrafficPolicyOf(build.read);
  const idleTimeout = idleTimeoutOf(build.read);
  const proxied =
    egressProxy && clusterName("outbound", egressProxy.port?.number ?? 0, egressProxy.subset ?? "", egressProxy.host);
  const cluster = mode === "REGISTRY_ONLY" ? BLACKHOLE_CLUSTER : (proxied ?? PASSTHROUGH_CLUSTER);
  const filter = tcpProxyFilter(build, "sidecar-outbound", {
    statPrefix: cluster,
    cluster,
    ...(idleTimeout ? { idleTimeout } : {}),
  });
  return [shared(source ? build.from(filter, source.object, source.path) : filter)];
}

type ListenerShape = Pick<OutboundListenerPlan, "name" | "binds" | "bindToPort" | "port">;

function listenerOf(
  build: Build,
  { name, binds: [bind = "", ...others], bindToPort, port }: ListenerShape,
  plans: readonly ChainPlan[],
): Listener {
  const { read } = build;
  const inspectsTls = plans.some(
    ({ serverNames, filters }) =>
      (serverNames?.length ?? 0) > 0 || filters.some((filter) => filter.name?.endsWith(".sni_dynamic_forward_proxy")),
  );
  const inspectsHttp = plans.some(({ applicationProtocols }) => (applicationProtocols?.length ?? 0) > 0);
  const listenerFilters = [...(inspectsTls ? [TLS_INSPECTOR] : []), ...(inspectsHttp ? [HTTP_INSPECTOR] : [])];
  const chains = plans.filter((plan) => !matchesAll(plan)).map(filterChain);
  // The last chain without conditions wins, as the default: others would never be reached beside it.
  const everything = plans.filter(matchesAll).map(filterChain).at(-1);
  const only = chains.length === 0 ? everything : undefined;
  return defined<Listener>({
    name,
    address: listenAddress(bind, port.number),
    additionalAddresses: additionalAddresses(others, port.number),
    trafficDirection: "OUTBOUND",
    continueOnListenerFiltersTimeout: true,
    bindToPort: bindToPort ? undefined : false,
    maxConnectionsToAcceptPerSocketEvent: bindToPort ? 1 : undefined,
    connectionBalanceConfig: metadataFlag(read, "OUTBOUND_LISTENER_EXACT_BALANCE") ? { exactBalance: {} } : undefined,
    listenerFilters: listenerFilters.length > 0 ? listenerFilters : undefined,
    listenerFiltersTimeout: (inspectsHttp && durationOf(meshConfigOf(read).protocolDetectionTimeout)) || "0s",
    filterChains: only ? [only] : chains,
    defaultFilterChain: only ? undefined : (everything ?? include(build, read.ask(lastChain, undefined))),
  });
}

/** The forward proxy for applications that are told to use one. */
export function httpProxyListener(build: Build, port: number): Listener {
  const [localhost, ...others] = LOCALHOSTS[addressFamilyOf(build.read)];
  const name = listenerName(localhost, port);
  const filters = httpChainFilters(build, {
    kind: "outbound-proxy",
    port,
    routes: HTTP_PROXY_ROUTES,
    statPrefix: `outbound_${name}${STAT_PREFIX_END}`,
    protocol: "HTTP_PROXY",
    lastFilters: dynamicDnsHttpFilters(build.read, undefined),
  });
  const shape: ListenerShape = {
    name,
    binds: [localhost, ...others],
    bindToPort: true,
    port: { number: port, name: "", protocol: "HTTP_PROXY" },
  };
  return listenerOf(build, shape, [{ filters }]);
}

/** The routes of the forward proxy. */
export const HTTP_PROXY_ROUTES = "http_proxy";
