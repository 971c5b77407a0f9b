import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { HttpFilter, ListenerFilter } from "../../proto/types.ts";
import { dnsLookupFamily } from "../cluster/discovery-type.ts";
import { type DnsCacheConfig, dnsCacheName, unknownHostsCache } from "../cluster/dynamic-forward-proxy.ts";
import { outboundTrafficPolicyOf } from "../route/catch-all.ts";
import { typed } from "./typed.ts";

function resolvesItself({ hostname, resolution }: Pick<Service, "hostname" | "resolution">): boolean {
  return hostname.startsWith("*") && resolution === "DynamicDNS";
}

/** The filter that resolves the host of a TLS handshake, for wildcard services that are resolved by the proxy. */
export function dynamicDnsFilters(read: Reader, service: Service, port: number): ListenerFilter[] {
  if (!resolvesItself(service)) return [];
  return [
    {
      name: "envoy.filters.network.sni_dynamic_forward_proxy",
      typedConfig: typed("envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig", {
        dnsCacheConfig: { name: dnsCacheName(service.hostname), dnsLookupFamily: dnsLookupFamily(read) },
        portValue: port,
      }),
    },
  ];
}

/** The filters that resolve the host of a request: of a wildcard service, and of hosts that the mesh does not know. */
export function dynamicDnsHttpFilters(read: Reader, service: Service | undefined): HttpFilter[] {
  const filters: HttpFilter[] = [];
  if (service && resolvesItself(service))
    filters.push(forwardProxy({ name: dnsCacheName(service.hostname), dnsLookupFamily: dnsLookupFamily(read) }));
  if (outboundTrafficPolicyOf(read).mode === "ALLOW_ANY_DYNAMIC_DNS")
    filters.push(forwardProxy(unknownHostsCache(read)));
  return filters;
}

function forwardProxy(dnsCacheConfig: DnsCacheConfig): HttpFilter {
  return {
    name: "envoy.filters.http.dynamic_forward_proxy",
    typedConfig: typed("envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig", { dnsCacheConfig }),
  };
}
