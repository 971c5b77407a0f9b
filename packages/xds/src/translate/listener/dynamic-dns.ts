import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { HttpFilter, ListenerFilter } from "../../proto/types.ts";
import { dnsLookupFamily } from "../cluster/discovery-type.ts";
import { dnsCacheName } from "../cluster/dynamic-forward-proxy.ts";
import { outboundTrafficPolicyOf } from "../route/catch-all.ts";
import { metadataFlag, metadataText } from "./node-settings.ts";
import { typed } from "./typed.ts";

/** The DNS cache of requests to hosts that the mesh does not know; shared with their cluster. */
export const UNKNOWN_HOSTS_CACHE = "allow_any_dfp_dns_cache";
const MAX_UNKNOWN_HOSTS = 1024;

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
    filters.push(
      forwardProxy({
        name: UNKNOWN_HOSTS_CACHE,
        maxHosts: MAX_UNKNOWN_HOSTS,
        dnsLookupFamily: dnsLookupFamily(read),
        ...agentResolver(read),
      }),
    );
  return filters;
}

type CacheConfig = NonNullable<
  import("../../proto/types.ts").EnvoyMessages["envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"]["dnsCacheConfig"]
>;

function forwardProxy(dnsCacheConfig: CacheConfig): HttpFilter {
  return {
    name: "envoy.filters.http.dynamic_forward_proxy",
    typedConfig: typed("envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig", { dnsCacheConfig }),
  };
}

/** Where the agent captures DNS, the proxy asks it too: it knows the names of the mesh. */
function agentResolver(read: Reader): Pick<CacheConfig, "typedDnsResolverConfig"> {
  if (!metadataFlag(read, "DNS_CAPTURE")) return {};
  const match = /^(.*):(\d+)$/.exec(metadataText(read, "DNS_PROXY_ADDR"));
  const host = match?.[1] === "localhost" ? "127.0.0.1" : match?.[1];
  return {
    typedDnsResolverConfig: {
      name: "envoy.network.dns_resolver.cares",
      typedConfig: typed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
        resolvers: [
          {
            socketAddress: {
              address: host?.replace(/^\[|\]$/g, "") || "127.0.0.1",
              portValue: Number(match?.[2] ?? 15053),
            },
          },
        ],
      }),
    },
  };
}
