import type { Reader } from "@fairlead/mesh";
import type { Cluster_CustomClusterType, EnvoyMessages } from "../../proto/types.ts";
import { metadataFlag, metadataText } from "../listener/node-settings.ts";
import { typed } from "../listener/typed.ts";
import { dnsLookupFamily } from "./discovery-type.ts";

export type DnsCacheConfig = NonNullable<
  EnvoyMessages["envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"]["dnsCacheConfig"]
>;

/** The DNS cache that a wildcard host's cluster shares with the filter that resolves its requests. */
export function dnsCacheName(hostname: string): string {
  return `${hostname}_dfp_dns_cache`;
}

/** A cluster that resolves whatever host the request names. `insecure` says that certificates are not checked by name. */
export function dynamicForwardProxy(read: Reader, hostname: string, insecure: boolean): Cluster_CustomClusterType {
  return forwardProxyType({ name: dnsCacheName(hostname), dnsLookupFamily: dnsLookupFamily(read) }, insecure);
}

/** The cluster that resolves hosts through this cache. `insecure`: see {@link dynamicForwardProxy}. */
export function forwardProxyType(dnsCacheConfig: DnsCacheConfig, insecure: boolean): Cluster_CustomClusterType {
  return {
    name: "envoy.clusters.dynamic_forward_proxy",
    typedConfig: typed("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", {
      dnsCacheConfig,
      ...(insecure ? { allowInsecureClusterOptions: true } : {}),
    }),
  };
}

/**
 * The DNS cache of requests to hosts that the mesh does not know. Envoy demands that all users of a cache describe it in
 * the same way. Where the agent captures DNS, the proxy asks it too: it knows the names of the mesh.
 */
export function unknownHostsCache(read: Reader): DnsCacheConfig {
  return {
    name: "allow_any_dfp_dns_cache",
    maxHosts: 1024,
    dnsLookupFamily: dnsLookupFamily(read),
    ...(metadataFlag(read, "DNS_CAPTURE") ? { typedDnsResolverConfig: agentResolver(read) } : {}),
  };
}

function agentResolver(read: Reader): NonNullable<DnsCacheConfig["typedDnsResolverConfig"]> {
  const [, host = "", port = "15053"] = /^(.*):(\d+)$/.exec(metadataText(read, "DNS_PROXY_ADDR")) ?? [];
  const address = host === "localhost" ? "127.0.0.1" : host.replace(/^\[|\]$/g, "") || "127.0.0.1";
  return {
    name: "envoy.network.dns_resolver.cares",
    typedConfig: typed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
      resolvers: [{ socketAddress: { address, portValue: Number(port) } }],
    }),
  };
}
