import { hostsOverlap, isSubsetHost, isWildcardHost } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { covers, type HostPattern, parseHosts } from "./egress-hosts.ts";
import { sidecarOf } from "./sidecar-selection.ts";
import { type ResolvedVirtualService, virtualServicesOf } from "./virtual-service.ts";
import { nodeNamespace } from "./visibility.ts";
import { sameMembers } from "./visible-services.ts";

function importedVirtualServices(
  services: readonly ResolvedVirtualService[],
  patterns: readonly HostPattern[],
): readonly ResolvedVirtualService[] {
  return services.filter((service) => {
    const relevant = patterns.filter((pattern) => covers(pattern, service.namespace));
    return service.hosts.some(
      (host) =>
        relevant.some(
          (pattern) =>
            !pattern.excluded &&
            (pattern.host === host ||
              ((isWildcardHost(host) || isWildcardHost(pattern.host)) && hostsOverlap(host, pattern.host))),
        ) && !relevant.some((pattern) => pattern.excluded && isSubsetHost(host, pattern.host)),
    );
  });
}

const imported: Query<number, readonly ResolvedVirtualService[]> = {
  name: "egress-virtual-services",
  key: String,
  compute(read, index) {
    const routes = virtualServicesOf(read, "mesh");
    const listener = sidecarOf(read)?.spec.egress?.[index];
    return listener ? importedVirtualServices(routes, parseHosts(listener.hosts ?? [], nodeNamespace(read))) : routes;
  },
  equal: sameMembers,
};

/** The VirtualServices that an egress listener of the node imports, by its place among `SidecarScope.egress`. */
export function egressVirtualServices(read: Reader, egress: number): readonly ResolvedVirtualService[] {
  return read.ask(imported, egress);
}

interface RoutesByHost {
  readonly exact: ReadonlyMap<string, readonly number[]>;
  readonly wildcards: readonly (readonly [host: string, at: number])[];
}

/** Places in {@link egressVirtualServices} by host. */
const routesByHost: Query<number, RoutesByHost> = {
  name: "egress-virtual-services-by-host",
  key: String,
  compute(read, egress) {
    const exact = new Map<string, number[]>();
    const wildcards: [string, number][] = [];
    for (const [at, { hosts }] of egressVirtualServices(read, egress).entries())
      for (const host of hosts) {
        const present = exact.get(host);
        if (isWildcardHost(host)) wildcards.push([host, at]);
        else if (present) present.push(at);
        else exact.set(host, [at]);
      }
    return { exact, wildcards };
  },
};

const routesOfHost: Query<{ readonly egress: number; readonly host: string }, readonly ResolvedVirtualService[]> = {
  name: "egress-virtual-services-of-host",
  key: ({ egress, host }) => `${egress} ${host}`,
  compute(read, { egress, host }) {
    const { exact, wildcards } = read.ask(routesByHost, egress);
    const found = new Set(exact.get(host));
    for (const [wildcard, at] of wildcards) if (hostsOverlap(host, wildcard)) found.add(at);
    if (isWildcardHost(host))
      for (const [name, places] of exact) if (hostsOverlap(host, name)) for (const at of places) found.add(at);
    const all = egressVirtualServices(read, egress);
    return [...found].sort((a, b) => a - b).flatMap((at) => all[at] ?? []);
  },
  equal: sameMembers,
};

const NONE: readonly ResolvedVirtualService[] = [];

/** Those among {@link egressVirtualServices} that have a host in common with `host`, in their order. */
export function egressVirtualServicesOf(read: Reader, egress: number, host: string): readonly ResolvedVirtualService[] {
  return read.bucket("configNamespaces", "VirtualService")?.length ? read.ask(routesOfHost, { egress, host }) : NONE;
}
