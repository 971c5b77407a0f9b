import type { EndpointShare } from "../cluster/endpoints.ts";
import type { ClusterLoadAssignment, LbEndpoint, Locality } from "../envoy.ts";

/** An endpoint on the virtual clock, as the calling proxy knows it. */
export interface Host {
  readonly address: string;
  readonly host: string;
  readonly locality: Locality;
  readonly priority: number;
  readonly endpoint: LbEndpoint;
  fault: "none" | "failing" | "unreachable" | "unhealthy" | "gone";
  status: number;
  /** How long it takes to answer, in milliseconds. */
  latency: number;
  /** Failures in a row. */
  failures: number;
  /** Since when it is ejected; undefined: it is not. */
  ejectedAt: number | undefined;
  /** Whether the load balancer counts it as ill: it may hear late of an ejection. */
  isHeldIll: boolean;
  /** By how much the next ejection is longer; goes down at each interval that finds the host in order. */
  backoff: number;
}

/** The hosts of an assignment, all of them up and answering after `latency` milliseconds. */
export function hostsOf(assignment: ClusterLoadAssignment | undefined, latency = 0): readonly Host[] {
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints = [], locality = {}, priority = 0 }) =>
    lbEndpoints.map((endpoint): Host => {
      const address = endpoint.endpoint?.address;
      const host = address?.socketAddress?.address ?? address?.pipe?.path ?? "";
      const port = address?.socketAddress?.portValue;
      return {
        address: port ? `${host}:${port}` : host,
        host,
        locality,
        priority,
        endpoint,
        fault: "none",
        status: 503,
        latency,
        failures: 0,
        ejectedAt: undefined,
        isHeldIll: false,
        backoff: 0,
      };
    }),
  );
}

/** The assignment as the load balancer sees it now: what is gone is left out, what it holds ill counts as unhealthy. */
export function assignmentNow(
  assignment: ClusterLoadAssignment | undefined,
  hosts: readonly Host[],
): ClusterLoadAssignment {
  const byEndpoint = new Map(hosts.map((host) => [host.endpoint, host]));
  return {
    ...assignment,
    endpoints: (assignment?.endpoints ?? []).map((group) => ({
      ...group,
      lbEndpoints: (group.lbEndpoints ?? []).flatMap((endpoint): LbEndpoint[] => {
        const host = byEndpoint.get(endpoint);
        if (host?.fault === "gone") return [];
        return [host?.isHeldIll ? { ...endpoint, healthStatus: "UNHEALTHY" } : endpoint];
      }),
    })),
  };
}

/** The share of each host, by address; endpoints at equal addresses of several localities add up. */
export function sharesByAddress(shares: readonly EndpointShare[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { address, share } of shares) sums.set(address, (sums.get(address) ?? 0) + share);
  return sums;
}
