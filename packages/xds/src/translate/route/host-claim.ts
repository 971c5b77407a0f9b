import type { ResolvedVirtualService } from "@fairlead/mesh";
import { compareHostSpecificity, hostsOverlap, isWildcardHost, type Service } from "@fairlead/model";
import { isGatewayApiRoute } from "./rule.ts";

/** What the hosts of a VirtualService come to among the services at hand. */
export interface ClaimedHosts {
  /** Names that no service has. */
  readonly names: readonly string[];
  readonly services: readonly Service[];
}

/** Answers which VirtualService speaks for a host: an exact name first, then the longest wildcard; the oldest of equals. */
export type Speaker = (hostname: string) => ResolvedVirtualService | undefined;

/** Source: Istio `computeWildcardHostVirtualServiceIndex`. */
export function speakerAmong(virtualServices: readonly ResolvedVirtualService[]): Speaker {
  const exact = new Map<string, ResolvedVirtualService>();
  const byWildcard = new Map<string, ResolvedVirtualService>();
  for (const virtualService of virtualServices)
    for (const host of virtualService.hosts) {
      const index = isWildcardHost(host) ? byWildcard : exact;
      if (!index.has(host)) index.set(host, virtualService);
    }
  const wildcards = [...byWildcard].sort(([a], [b]) => compareHostSpecificity(a, b));
  return (hostname) => {
    const wild = isWildcardHost(hostname);
    const same = (wild ? byWildcard : exact).get(hostname);
    if (same) return same;
    const suffix = wild ? hostname.slice(1) : hostname;
    return wildcards.find(([wildcard]) => suffix.endsWith(wildcard.slice(1)))?.[1];
  };
}

/** Whether any host of the VirtualService is that of a service, wildcards on either side counting. */
export function claimsAny(
  virtualService: ResolvedVirtualService,
  services: ReadonlyMap<string, Service>,
  wildcardServices: readonly string[],
): boolean {
  return virtualService.hosts.some((stated) => {
    const host = stated.toLowerCase();
    if (services.has(host)) return true;
    if (!isWildcardHost(host)) return wildcardServices.some((service) => hostsOverlap(host, service));
    for (const service of services.keys()) if (hostsOverlap(host, service)) return true;
    return false;
  });
}

/**
 * Tells the hosts of a VirtualService that are services from those that are only names. Of a wildcard, services go to
 * the VirtualService that speaks for them. Source: Istio `separateVSHostsAndServices`.
 */
export function claimedHosts(
  virtualService: ResolvedVirtualService,
  services: ReadonlyMap<string, Service>,
  speaker: Speaker,
): ClaimedHosts {
  const names: string[] = [];
  const claimed: Service[] = [];
  const hosts = virtualService.hosts.map((host) => host.toLowerCase());
  for (const host of hosts) {
    if (isWildcardHost(host)) continue;
    const service = services.get(host);
    if (service) claimed.push(service);
    else names.push(host);
  }
  for (const host of hosts) {
    if (!isWildcardHost(host)) continue;
    let found = false;
    if (!isGatewayApiRoute(virtualService))
      for (const [hostname, service] of services) {
        if (!hostsOverlap(hostname, host)) continue;
        found = true;
        if (speaker(hostname) === virtualService) claimed.push(service);
      }
    if (!found) names.push(host);
  }
  return { names, services: claimed };
}
