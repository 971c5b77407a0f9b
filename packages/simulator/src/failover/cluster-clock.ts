import { endpointShares, panickingPriorities } from "../cluster/endpoints.ts";
import type { Cluster, ClusterLoadAssignment, Locality } from "../envoy.ts";
import { tidy } from "../route/random.ts";
import { assignmentNow, type Host, hostsOf, sharesByAddress } from "./host.ts";
import { type OutlierSettings, outlierSettings } from "./outlier.ts";
import { isMeant, type TimedEvent } from "./scenario.ts";

export type HostState = "up" | "ejected" | "failing" | "unreachable" | "unhealthy" | "gone";

/** An endpoint at a moment. */
export interface HostMoment {
  readonly address: string;
  readonly locality: Locality;
  readonly priority: number;
  readonly state: HostState;
  /** Of the cluster's requests. */
  readonly share: number;
  /** Whether requests that reach it fail. */
  readonly fails: boolean;
}

/** A cluster from one moment to the next. */
export interface ClusterMoment {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly causes: readonly string[];
  readonly hosts: readonly HostMoment[];
  /** Priorities in panic: they serve from all of their hosts. */
  readonly panic: readonly number[];
}

/**
 * Runs the clock over one cluster. Load is even: a host with share s of r requests a second gets one every 1/(r·s) seconds, so
 * that the moment of its n-th failure in a row is exact. Source: outlier_detection_impl of Envoy.
 */
export function runCluster(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
  events: readonly TimedEvent[],
  { rate, until }: { readonly rate: number; readonly until: number },
): readonly ClusterMoment[] {
  const hosts = hostsOf(assignment);
  const settings = outlierSettings(cluster);
  const moments: ClusterMoment[] = [];
  let now = 0;
  let next = 0;
  let causes: string[] = ["the beginning"];
  for (;;) {
    const current = assignmentNow(assignment, hosts);
    const shares = sharesByAddress(endpointShares(cluster, current));
    if (causes.length > 0)
      moments.push({
        at: now,
        causes,
        hosts: hosts.map((host) => view(host, shares)),
        panic: panickingPriorities(cluster, current),
      });
    const due = hosts.map((host) => ({ host, at: nextEjection(host, shares, settings, rate, now) }));
    const times = [events[next]?.at, nextTick(hosts, settings, now), ...due.map(({ at }) => at)];
    const then = Math.min(...times.filter((at) => at !== undefined));
    if (!(then <= until)) return moments;
    for (const host of hosts) host.failures += failuresIn(host, shares, rate, then - now);
    now = then;
    causes = [];
    for (const { host, at } of due) if (at === now && settings) causes.push(...eject(host, hosts, settings, now));
    if (settings && now > 0 && now % settings.interval === 0) causes.push(...sweep(hosts, settings, now));
    for (let event = events[next]; event !== undefined && event.at <= now; event = events[++next])
      for (const host of hosts) if (isMeant(event, host)) causes.push(...befall(host, event));
  }
}

function view(host: Host, shares: ReadonlyMap<string, number>): HostMoment {
  const { address, locality, priority, fault, status, ejectedAt } = host;
  const state = fault === "gone" ? fault : ejectedAt !== undefined ? "ejected" : fault === "none" ? "up" : fault;
  return {
    address,
    locality,
    priority,
    state,
    share: tidy(shares.get(address) ?? 0),
    fails: fault === "unreachable" || (fault === "failing" && status >= 500),
  };
}

const failureRate = ({ fault, status, address }: Host, shares: ReadonlyMap<string, number>, rate: number) =>
  fault === "unreachable" || (fault === "failing" && status >= 500) ? (rate * (shares.get(address) ?? 0)) / 1000 : 0;

const failuresIn = (host: Host, shares: ReadonlyMap<string, number>, rate: number, span: number) =>
  failureRate(host, shares, rate) * span;

function nextEjection(
  host: Host,
  shares: ReadonlyMap<string, number>,
  settings: OutlierSettings | undefined,
  rate: number,
  now: number,
): number | undefined {
  const threshold = settings?.threshold(host);
  const speed = failureRate(host, shares, rate);
  if (threshold === undefined || speed === 0 || host.ejectedAt !== undefined) return undefined;
  return now + Math.max(1, Math.ceil((threshold - host.failures) / speed - 1e-6));
}

/** The next interval, where one may change something. */
function nextTick(hosts: readonly Host[], settings: OutlierSettings | undefined, now: number): number | undefined {
  if (!settings || !hosts.some(({ ejectedAt, backoff }) => ejectedAt !== undefined || backoff > 0)) return undefined;
  return (Math.floor(now / settings.interval) + 1) * settings.interval;
}

function eject(host: Host, hosts: readonly Host[], settings: OutlierSettings, now: number): readonly string[] {
  host.failures = 0;
  const known = hosts.filter(({ fault }) => fault !== "gone");
  const active = known.filter(({ ejectedAt }) => ejectedAt !== undefined).length;
  const allowed = (100 * (active + 1)) / known.length <= settings.maxPercent || (settings.alwaysOne && active === 0);
  if (!allowed)
    return [`${host.address} is not ejected: ${settings.maxPercent} % of ${known.length} hosts may be at most`];
  host.ejectedAt = now;
  host.backoff += 1;
  return [`${host.address} is ejected for ${ejectionTime(host, settings) / 1000}s`];
}

const ejectionTime = ({ backoff }: Host, { baseEjection, maxEjection }: OutlierSettings) =>
  Math.min(baseEjection * backoff, maxEjection);

function sweep(hosts: readonly Host[], settings: OutlierSettings, now: number): readonly string[] {
  return hosts.flatMap((host) => {
    if (host.ejectedAt === undefined) {
      if (host.backoff > 0) host.backoff -= 1;
      return [];
    }
    if (now - host.ejectedAt < ejectionTime(host, settings)) return [];
    host.ejectedAt = undefined;
    host.failures = 0;
    return host.fault === "gone" ? [] : [`${host.address} is no longer ejected`];
  });
}

function befall(host: Host, { is, status = 503 }: TimedEvent): readonly string[] {
  const fault = is === "back" ? "none" : is;
  if (host.fault === fault && host.status === status) return [];
  // A host that left and comes back is a new one to the load balancer.
  if (fault === "gone" || host.fault === "gone") {
    host.ejectedAt = undefined;
    host.backoff = 0;
  }
  host.fault = fault;
  host.status = status;
  host.failures = 0;
  return [`${host.address} is ${is}`];
}
