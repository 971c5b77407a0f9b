/** Names where the rule below would give a poor one. */
const CHOSEN: Record<string, string> = {
  "envoy.extensions.filters.http.rbac.v3.RBAC": "HttpRbac",
  "envoy.extensions.filters.http.rbac.v3.RBACPerRoute": "HttpRbacPerRoute",
  "envoy.extensions.filters.network.rbac.v3.RBAC": "NetworkRbac",
  "envoy.config.rbac.v3.RBAC": "RbacRules",
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz": "HttpExtAuthz",
  "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz": "NetworkExtAuthz",
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig": "GrpcStats",
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": "HttpLocalRateLimit",
  "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit": "NetworkLocalRateLimit",
  "envoy.extensions.filters.http.ratelimit.v3.RateLimit": "HttpRateLimit",
  "envoy.extensions.filters.http.wasm.v3.Wasm": "HttpWasm",
  "envoy.extensions.filters.network.wasm.v3.Wasm": "NetworkWasm",
  "envoy.extensions.filters.http.header_to_metadata.v3.Config": "HeaderToMetadata",
  "envoy.extensions.filters.http.set_metadata.v3.Config": "SetMetadata",
  "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit": "ConnectionLimit",
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": "UpstreamHttpProtocolOptions",
  "envoy.config.core.v3.HttpProtocolOptions": "HttpProtocolOptions",
  "envoy.config.route.v3.RetryPolicy": "RetryPolicy",
  "envoy.config.core.v3.RetryPolicy": "CoreRetryPolicy",
  "envoy.config.core.v3.UpstreamHttpProtocolOptions": "CoreUpstreamHttpProtocolOptions",
  "envoy.extensions.filters.http.cors.v3.CorsPolicy": "HttpCorsPolicy",
  "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig": "DynamicForwardProxyCluster",
  "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig": "HttpDynamicForwardProxy",
  "envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig": "HttpDynamicForwardProxyPerRoute",
  "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig": "SniDynamicForwardProxy",
  "envoy.extensions.clusters.aggregate.v3.ClusterConfig": "AggregateCluster",
  "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation": "HttpHeaderMutation",
  "envoy.extensions.filters.http.health_check.v3.HealthCheck": "HttpHealthCheck",
  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol": "ProxyProtocolListenerFilter",
  "envoy.extensions.filters.network.direct_response.v3.Config": "NetworkDirectResponse",
  "xds.type.matcher.v3.Matcher": "XdsMatcher",
  "io.istio.http.peer_metadata.Config": "IstioPeerMetadata",
  "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig": "IstioAlpn",
  "istio.mesh.v1alpha1.ProxyConfig": "MeshProxyConfig",
  "istio.security.Action": "ZtunnelAction",
  "istio.security.Address": "ZtunnelAddress",
  "istio.security.Authorization": "ZtunnelAuthorization",
  "istio.security.Group": "ZtunnelGroup",
  "istio.security.Match": "ZtunnelMatch",
  "istio.security.Rules": "ZtunnelRules",
  "istio.security.Scope": "ZtunnelScope",
  "istio.security.ServiceAccountMatch": "ZtunnelServiceAccountMatch",
  "istio.security.StringMatch": "ZtunnelStringMatch",
  "stats.PluginConfig": "IstioStats",
  "udpa.type.v1.TypedStruct": "TypedStruct",
  "xds.type.v3.TypedStruct": "XdsTypedStruct",
};

/** Whose short names are kept where two packages have the same one; first wins. */
const PRECEDENCE = [
  /^envoy\.config\.(core|cluster|endpoint|listener|route)\.v3\./,
  /^envoy\.service\.discovery\.v3\./,
  /^envoy\.extensions\.transport_sockets\.tls\.v3\./,
  /^envoy\.extensions\.filters\.network\.http_connection_manager\.v3\./,
  /^envoy\.type\.(matcher\.)?v3\./,
  /^envoy\.config\./,
  /^envoy\.extensions\./,
  /^envoy\./,
];

/** Short names that say nothing without their package. */
const GENERIC = new Set([
  "Config",
  "FilterConfig",
  "PerRouteConfig",
  "ProtocolOptions",
  "Type",
  "Status",
  "Resource",
  "Value",
  "Error",
]);

const NOISE = new Set(["envoy", "config", "extensions", "filters", "common", "type", "service", "google", "proto"]);

/** `envoy.extensions.filters.http.rbac.v3` gives `HttpRbac`. */
function prefix(packageName: string): string {
  const segments = packageName.split(".").filter((segment) => !NOISE.has(segment) && !/^v\d/.test(segment));
  return segments.map((segment) => segment.replace(/(?:^|_)(.)/g, (_, first: string) => first.toUpperCase())).join("");
}

/**
 * A TypeScript name for every full protobuf name: the short name, nested ones as `Cluster_CommonLbConfig`; where two
 * clash, the one of the lesser package gets a prefix.
 */
export function interfaceNames(fullNames: readonly string[]): Map<string, string> {
  const rank = (name: string) => {
    const index = PRECEDENCE.findIndex((pattern) => pattern.test(name));
    return index === -1 ? PRECEDENCE.length : index;
  };
  const result = new Map<string, string>(Object.entries(CHOSEN));
  const taken = new Set(result.values());
  const known = new Set(fullNames);
  const outer = (name: string): string | undefined => {
    const parent = name.slice(0, name.lastIndexOf("."));
    return known.has(parent) ? parent : undefined;
  };
  const name = (full: string): string => {
    const found = result.get(full);
    if (found !== undefined) return found;
    const parent = outer(full);
    const short = full.slice(full.lastIndexOf(".") + 1);
    let chosen = parent === undefined ? short : `${name(parent)}_${short}`;
    if (taken.has(chosen) || (parent === undefined && GENERIC.has(short)))
      chosen = `${prefix(full.slice(0, full.lastIndexOf(".")))}${short}`;
    if (taken.has(chosen)) throw new Error(`${full}: ${chosen} is taken`);
    taken.add(chosen);
    result.set(full, chosen);
    return chosen;
  };
  for (const full of [...fullNames].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))) name(full);
  return result;
}
