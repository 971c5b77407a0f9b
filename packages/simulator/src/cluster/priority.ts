/** The hosts of one priority, counted. */
export interface PriorityCount {
  readonly hosts: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** The percentage of requests for each priority, healthy and degraded hosts apart; together 100. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  /** Whether the priority serves from all of its hosts, whatever their health. */
  readonly panic: readonly boolean[];
}

/**
 * Load of priorities as Envoy spreads it, in whole percents: a priority takes its share of healthy hosts times the
 * overprovisioning factor (140), the next takes the rest. Source: LoadBalancerBase::recalculatePerPriorityState.
 */
export function priorityLoad(
  counts: readonly PriorityCount[],
  overprovisioning = 140,
  panicThreshold = 50,
): PriorityLoad {
  const availability = (count: number, hosts: number) =>
    hosts === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * count) / hosts));
  const healthy = counts.map((count) => availability(count.healthy, count.hosts));
  const degraded = counts.map((count) => availability(count.degraded, count.hosts));
  const total = Math.min(
    100,
    [...healthy, ...degraded].reduce((sum, one) => sum + one, 0),
  );
  if (total === 0) return totalPanic(counts);
  const load = { healthy: counts.map(() => 0), degraded: counts.map(() => 0) };
  let left = 100;
  for (const kind of ["healthy", "degraded"] as const)
    for (const [index, one] of (kind === "healthy" ? healthy : degraded).entries()) {
      const taken = Math.min(left, Math.floor((one * 100) / total));
      load[kind][index] = taken;
      left -= taken;
    }
  // Rounding leaves a few percents: the first priority with load gets them.
  const kind = load.healthy.some((one) => one > 0) ? "healthy" : "degraded";
  const first = load[kind].findIndex((one) => one > 0);
  if (first >= 0) load[kind][first] = (load[kind][first] ?? 0) + left;
  const panic = counts.map(({ hosts, healthy: good, degraded: half }) => {
    // Where the priorities together can take all requests, none panics.
    const share = hosts === 0 ? 0 : ((good + half) * 100) / hosts;
    return total < 100 && share < panicThreshold;
  });
  return { ...load, panic };
}

function totalPanic(counts: readonly PriorityCount[]): PriorityLoad {
  const hosts = counts.reduce((sum, count) => sum + count.hosts, 0);
  const healthy = counts.map((count) => (hosts === 0 ? 0 : Math.floor((100 * count.hosts) / hosts)));
  const first = counts.findIndex((count) => count.hosts > 0);
  if (first >= 0) healthy[first] = (healthy[first] ?? 0) + 100 - healthy.reduce((sum, one) => sum + one, 0);
  return { healthy, degraded: counts.map(() => 0), panic: counts.map(() => true) };
}
