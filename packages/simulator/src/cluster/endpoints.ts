import type { Cluster, ClusterLoadAssignment, LbEndpoint, Locality, LocalityLbEndpoints } from "../envoy.ts";
import { integer } from "../envoy.ts";
import { type HostHealth, hostHealth } from "./health.ts";
import { priorityLoad } from "./priority.ts";

/** An endpoint of a cluster and the share of the cluster's requests that it gets. */
export interface EndpointShare {
  /** `10.0.0.1:8080`, `unix:///path`, or a DNS name and port. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly locality: Locality;
  readonly priority: number;
  readonly health: HostHealth;
  readonly share: number;
  readonly endpoint: LbEndpoint;
}

interface Level {
  readonly priority: number;
  readonly localities: readonly LocalityLbEndpoints[];
}

const computed = new WeakMap<Cluster, readonly EndpointShare[]>();

/** The endpoints of a cluster with their shares; computed once for a cluster and its assignment. */
export function endpointsOfCluster(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
): readonly EndpointShare[] {
  let shares = computed.get(cluster);
  if (shares === undefined) {
    shares = endpointShares(cluster, assignment);
    computed.set(cluster, shares);
  }
  return shares;
}

/**
 * How requests spread over the endpoints of an assignment: by priority (health, overprovisioning, panic), then by
 * locality where the cluster weighs localities, then by endpoint weight. That is the long run of every policy that
 * balances evenly; hash policies keep one client on one endpoint but spread clients alike.
 */
export function endpointShares(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
): readonly EndpointShare[] {
  const { levels, load, threshold, overprovisioning } = balance(cluster, assignment);
  const weighsLocalities = cluster.commonLbConfig !== undefined && "localityWeightedLbConfig" in cluster.commonLbConfig;
  return levels.flatMap((level, index) => {
    if (load.panic[index] && threshold > 0) {
      const share = ((load.healthy[index] ?? 0) + (load.degraded[index] ?? 0)) / 100;
      return spread(level, () => true, share, weighsLocalities ? overprovisioning : undefined);
    }
    return (["healthy", "degraded"] as const).flatMap((health) =>
      spread(
        level,
        (host) => hostHealth(host) === health,
        (load[health][index] ?? 0) / 100,
        weighsLocalities ? overprovisioning : undefined,
      ),
    );
  });
}

/** The priorities that serve from all of their hosts, because too few are healthy. */
export function panickingPriorities(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
): readonly number[] {
  const { levels, load, threshold } = balance(cluster, assignment);
  return levels.flatMap(({ priority }, index) => (load.panic[index] && threshold > 0 ? [priority] : []));
}

function balance(cluster: Cluster, assignment: ClusterLoadAssignment | undefined) {
  const levels = byPriority(assignment);
  const count = (level: Level, health: HostHealth) =>
    hostsOf(level).filter((host) => hostHealth(host) === health).length;
  const threshold = panicThreshold(cluster);
  const overprovisioning = assignment?.policy?.overprovisioningFactor ?? 140;
  const counts = levels.map((level) => ({
    hosts: hostsOf(level).length,
    healthy: count(level, "healthy"),
    degraded: count(level, "degraded"),
  }));
  return { levels, load: priorityLoad(counts, overprovisioning, threshold), threshold, overprovisioning };
}

function panicThreshold({ commonLbConfig }: Cluster): number {
  return commonLbConfig?.healthyPanicThreshold === undefined ? 50 : (commonLbConfig.healthyPanicThreshold.value ?? 0);
}

function byPriority(assignment: ClusterLoadAssignment | undefined): readonly Level[] {
  const groups = new Map<number, LocalityLbEndpoints[]>();
  for (const group of assignment?.endpoints ?? []) {
    const priority = group.priority ?? 0;
    groups.set(priority, [...(groups.get(priority) ?? []), group]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([priority, localities]) => ({ priority, localities }));
}

function hostsOf({ localities }: Level): readonly LbEndpoint[] {
  return localities.flatMap(({ lbEndpoints = [] }) => lbEndpoints);
}

const weightOf = ({ loadBalancingWeight = 1 }: LbEndpoint) => integer(loadBalancingWeight, 1);

function spread(
  level: Level,
  takes: (host: LbEndpoint) => boolean,
  share: number,
  localityOverprovisioning: number | undefined,
): readonly EndpointShare[] {
  if (share <= 0) return [];
  const groups = level.localities.map((group) => {
    const hosts = group.lbEndpoints ?? [];
    const taken = hosts.filter(takes);
    const sum = taken.reduce((total, host) => total + weightOf(host), 0);
    // A locality counts by its weight, less where many of its hosts are ill.
    const available =
      hosts.length === 0 ? 0 : Math.min(1, ((localityOverprovisioning ?? 0) * taken.length) / hosts.length / 100);
    const weight = localityOverprovisioning === undefined ? sum : (group.loadBalancingWeight ?? 0) * available;
    return { group, taken, sum, weight };
  });
  const total = groups.reduce((sum, { weight, taken }) => sum + (taken.length > 0 ? weight : 0), 0);
  if (total === 0) return [];
  return groups.flatMap(({ group, taken, sum, weight }) =>
    taken.flatMap((host) => {
      const own = (share * weight * weightOf(host)) / (total * sum);
      return own > 0 ? [shareFor(host, group, own)] : [];
    }),
  );
}

function shareFor(
  endpoint: LbEndpoint,
  { locality = {}, priority = 0 }: LocalityLbEndpoints,
  share: number,
): EndpointShare {
  const address = endpoint.endpoint?.address;
  const host =
    address?.socketAddress?.address ??
    (address?.pipe ? `unix://${address.pipe.path ?? ""}` : (address?.envoyInternalAddress?.serverListenerName ?? ""));
  const port = address?.socketAddress?.portValue ?? 0;
  return {
    address: port ? `${host}:${port}` : host,
    host,
    port,
    locality,
    priority,
    health: hostHealth(endpoint),
    share,
    endpoint,
  };
}
