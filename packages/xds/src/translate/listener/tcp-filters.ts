import type { ConfigObject, DestinationRule, RouteDestination, Subset, TunnelSettings } from "@fairlead/config";
import { refOf } from "@fairlead/config";
import { destinationRuleOf, meshConfigOf, serviceOfHost } from "@fairlead/mesh";
import type { Protocol, Service } from "@fairlead/model";
import type { ListenerFilter, TcpProxy } from "../../proto/types.ts";
import { filledPattern } from "../cluster/stat-name.ts";
import type { Build } from "../generated.ts";
import { destinationCluster } from "../route/destination.ts";
import { accessLogs } from "./access-log.ts";
import { durationOf, idleTimeoutOf } from "./node-settings.ts";
import type { ListenerClass } from "./proxy-headers.ts";
import { defined, typed } from "./typed.ts";

export interface TcpOptions {
  readonly listenerClass: ListenerClass;
  /** Number and protocol of the port that is listened on. */
  readonly port: number;
  /** For statistics names. Default: empty. */
  readonly portName?: string;
  readonly protocol: Protocol;
  /** Filters that come before all others: authorization, extensions. */
  readonly leadingFilters?: readonly ListenerFilter[];
}

/** A filter that hands connections on, with the access logs of the node. */
export function tcpProxyFilter(build: Build, listenerClass: ListenerClass, proxy: TcpProxy): ListenerFilter {
  const accessLog = accessLogs(build, listenerClass, "tcp");
  return plainTcpProxy(accessLog ? { ...proxy, accessLog } : proxy);
}

/** The same, which logs nothing. */
export function plainTcpProxy(proxy: TcpProxy): ListenerFilter {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typedConfig: typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", proxy),
  };
}

/** The filters before the proxy that know a protocol. Redis and MySQL are plain TCP, as in Istio by default. */
export function protocolFilters(protocol: Protocol, statPrefix: string): ListenerFilter[] {
  return protocol === "Mongo"
    ? [
        {
          name: "envoy.filters.network.mongo_proxy",
          typedConfig: typed("envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy", { statPrefix }),
        },
      ]
    : [];
}

/** What a DestinationRule adds to the proxy of a connection. Subset settings replace those of the rule. */
function ruleSettings(rule: DestinationRule | undefined, subsetName: string): Partial<TcpProxy> {
  const policy = rule?.trafficPolicy;
  const subset: Subset | undefined = rule?.subsets?.find((one) => one.name === subsetName);
  const balancer = subset?.trafficPolicy?.loadBalancer ?? policy?.loadBalancer;
  const tunnel: TunnelSettings | undefined = subsetName ? subset?.trafficPolicy?.tunnel : policy?.tunnel;
  return defined<TcpProxy>({
    maxDownstreamConnectionDuration: durationOf(policy?.connectionPool?.tcp?.maxConnectionDuration),
    idleTimeout: durationOf(policy?.connectionPool?.tcp?.idleTimeout),
    hashPolicy: balancer?.consistentHash?.useSourceIp ? [{ sourceIp: {} }] : undefined,
    tunnelingConfig: tunnel && {
      hostname: `${tunnel.targetHost?.includes(":") ? `[${tunnel.targetHost}]` : tunnel.targetHost}:${tunnel.targetPort}`,
      ...(tunnel.protocol === "POST" ? { usePost: true } : {}),
    },
  });
}

/** Filters that lead to one cluster. `tunnel: false` leaves a rule's tunnel out (the bytes are another proxy's already). */
export function singleDestination(
  build: Build,
  options: TcpOptions,
  target: {
    readonly cluster: string;
    readonly statPrefix: string;
    readonly subset: string;
    readonly service: Service | undefined;
    readonly tunnel?: boolean;
  },
): ListenerFilter[] {
  const rule = target.service && destinationRuleOf(build.read, target.service);
  const { tunnelingConfig, ...settings } = ruleSettings(rule?.spec, target.subset);
  const tunneled = tunnelingConfig && target.tunnel !== false ? { tunnelingConfig } : {};
  if (Object.keys({ ...settings, ...tunneled }).length > 0)
    for (const object of rule?.objects ?? []) build.uses(refOf(object));
  const idleTimeout = idleTimeoutOf(build.read);
  return [
    ...(options.leadingFilters ?? []),
    ...protocolFilters(options.protocol, target.statPrefix),
    tcpProxyFilter(build, options.listenerClass, {
      statPrefix: target.statPrefix,
      cluster: target.cluster,
      ...(idleTimeout ? { idleTimeout } : {}),
      ...settings,
      ...tunneled,
    }),
  ];
}

/** Filters for the destinations of a TCP or TLS route. */
export function routeDestinations(
  build: Build,
  options: TcpOptions,
  routes: readonly RouteDestination[],
  virtualService: ConfigObject<"VirtualService">,
  place: { readonly path: string },
): ListenerFilter[] {
  const { read } = build;
  const source = refOf(virtualService);
  const [first] = routes;
  if (!first) return [];
  const service = first.destination?.host ? serviceOfHost(read, first.destination.host) : undefined;
  const cluster = (route: RouteDestination) => destinationCluster(read, route.destination, { port: options.port });
  if (routes.length === 1) {
    const subset = first.destination?.subset ?? "";
    const name = cluster(first);
    const pattern = meshConfigOf(read).outboundClusterStatName;
    const statPrefix =
      pattern && service
        ? filledPattern(pattern, {
            service: service,
            subset: subset,
            port: { number: options.port, name: options.portName ?? "" },
            targetPort: 0,
          })
        : name;
    const filters = singleDestination(build, options, { cluster: name, statPrefix, subset, service });
    for (const filter of filters) build.from(filter, source, place.path);
    return filters;
  }
  const rule = service && destinationRuleOf(read, service);
  const settings = ruleSettings(rule?.spec, "");
  if (Object.keys(settings).length > 0) for (const object of rule?.objects ?? []) build.uses(refOf(object));
  const statPrefix = `${virtualService.metadata.name}.${virtualService.metadata.namespace}`;
  const weighted = routes.some(({ weight }) => weight);
  if (!weighted)
    build.report({
      code: "weights-missing",
      severity: "warning",
      object: source,
      path: `${place.path}.route`,
      message: "no destination has a weight: connections are spread evenly",
    });
  const clusters = routes.flatMap((route, index) => {
    const weight = weighted ? route.weight : 1;
    return weight ? [build.from({ name: cluster(route), weight }, source, `${place.path}.route[${index}]`)] : [];
  });
  const idleTimeout = idleTimeoutOf(read);
  const proxy = tcpProxyFilter(build, options.listenerClass, {
    statPrefix,
    weightedClusters: { clusters },
    ...(idleTimeout ? { idleTimeout } : {}),
    ...settings,
  });
  return [
    ...(options.leadingFilters ?? []),
    ...protocolFilters(options.protocol, statPrefix),
    build.from(proxy, source, place.path),
  ];
}
