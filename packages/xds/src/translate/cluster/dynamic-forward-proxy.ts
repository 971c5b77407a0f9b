import type { Reader } from "@fairlead/mesh";
import type { Cluster_CustomClusterType } from "../../proto/types.ts";
import { typed } from "../listener/typed.ts";
import { dnsLookupFamily } from "./discovery-type.ts";

/** The DNS cache that a wildcard host's cluster shares with the filter that resolves its requests. */
export function dnsCacheName(hostname: string): string {
  return `${hostname}_dfp_dns_cache`;
}

/** A cluster that resolves whatever host the request names. `insecure` says that certificates are not checked by name. */
export function dynamicForwardProxy(read: Reader, hostname: string, insecure: boolean): Cluster_CustomClusterType {
  return forwardProxyType({ name: dnsCacheName(hostname), dnsLookupFamily: dnsLookupFamily(read) }, insecure);
}

export function forwardProxyType(
  dnsCacheConfig: { name: string; dnsLookupFamily: ReturnType<typeof dnsLookupFamily>; maxHosts?: number },
  insecure: boolean,
): Cluster_CustomClusterType {
  return {
    name: "envoy.clusters.dynamic_forward_proxy",
    typedConfig: typed("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", {
      dnsCacheConfig,
      ...(insecure ? { allowInsecureClusterOptions: true } : {}),
    }),
  };
}
