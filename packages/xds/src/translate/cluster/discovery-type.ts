import { meshConfigOf, type Reader } from "@fairlead/mesh";
import type { Service, ServicePort } from "@fairlead/model";
import type { Cluster, Cluster_DnsLookupFamily } from "../../proto/types.ts";
import { addressFamilyOf, durationOf, isGateway, isProxyless } from "../listener/node-settings.ts";
import { typed } from "../listener/typed.ts";

/** How Envoy finds a cluster's endpoints. `CUSTOM` is the dynamic forward proxy. */
export type Discovery = "EDS" | "STRICT_DNS" | "LOGICAL_DNS" | "ORIGINAL_DST" | "CUSTOM";

/** Gateways and programs without a proxy have no original destination to go to: they get the endpoints. */
export function discoveryOf(read: Reader, service: Service): Discovery {
  switch (service.resolution) {
    case "DNSLB":
      return "STRICT_DNS";
    case "DNSRoundRobinLB":
      return "LOGICAL_DNS";
    case "Passthrough":
      return isGateway(read) || isProxyless(read) ? "EDS" : "ORIGINAL_DST";
    case "DynamicDNS":
      return service.hostname.startsWith("*") ? "CUSTOM" : "EDS";
    default:
      return "EDS";
  }
}

export function dnsLookupFamily(read: Reader): Cluster_DnsLookupFamily {
  const family = addressFamilyOf(read);
  return family === "IPv6" ? "V6_ONLY" : family === "Dual" ? "ALL" : "V4_ONLY";
}

/** Fields of a cluster that resolves names. Refresh: the TTL, and every `dnsRefreshRate` of the mesh (default 60s) at most. */
export function dnsFields(read: Reader): Partial<Cluster> {
  return {
    dnsLookupFamily: dnsLookupFamily(read),
    typedDnsResolverConfig: {
      name: "envoy.network.dns_resolver.cares",
      // Bounds how long one source port is kept, so that answers of a bad path do not stick.
      typedConfig: typed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
        udpMaxQueries: 100,
      }),
    },
    dnsJitter: "0.100s",
    dnsRefreshRate: durationOf(meshConfigOf(read).dnsRefreshRate) ?? "60s",
    respectDnsTtl: true,
  };
}

/** The endpoints of this name come over ADS, and are waited for. */
export function edsFields(name: string): Partial<Cluster> {
  return {
    edsClusterConfig: {
      edsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
      serviceName: name,
    },
  };
}

/** A ServiceEntry without resolution may say that its hosts listen on another port than the one dialled. */
export function originalDestinationFields(service: Service, { targetPort, number }: ServicePort): Partial<Cluster> {
  return service.registry === "External" && typeof targetPort === "number" && targetPort !== number
    ? { originalDstLbConfig: { upstreamPortOverride: targetPort } }
    : {};
}
