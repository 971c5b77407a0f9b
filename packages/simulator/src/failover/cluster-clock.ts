import { endpointShares, panickingPriorities } from "../cluster/endpoints.ts";
import type { Cluster, ClusterLoadAssignment, Locality } from "../envoy.ts";
import { tidy } from "../route/random.ts";
import { type Breakers, overloadOf } from "./breaker.ts";
import { assignmentNow, type Host, hostsOf, sharesByAddress } from "./host.ts";
import { MergeWindow } from "./merge-window.ts";
import { type OutlierSettings, outlierSettings } from "./outlier.ts";
import { type Attempts, attemptsOf, type Retries } from "./retry.ts";
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
  /** Of the cluster's requests: those that fail in the end, those whose first attempt does, those that a circuit breaker turns away. */
  readonly failed: number;
  readonly failedAtFirst: number;
  readonly overflow: number;
  /** Retries for each request. */
  readonly retries: number;
}

/** What decides besides the cluster. */
export interface ClockOptions {
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly until: number;
  /** Of an endpoint that is well, in milliseconds. */
  readonly latency: number;
  readonly retries: Retries | undefined;
  readonly breakers: Breakers;
}

/**
 * Runs the clock over one cluster. Load is even: a host with share s of r requests a second gets one every 1/(r·s) seconds, so
 * that the moment of its n-th failure in a row is exact. Source: outlier_detection_impl of Envoy.
 */
export function runCluster(
  cluster: Cluster,
  assignment: ClusterLoadAssignment | undefined,
  events: readonly TimedEvent[],
  { rate, until, latency, retries, breakers }: ClockOptions,
): readonly ClusterMoment[] {
  const hosts = hostsOf(assignment, latency);
  const settings = outlierSettings(cluster);
  const merged = new MergeWindow(cluster, hosts);
  let joined = false;
  const moments: ClusterMoment[] = [];
  let now = 0;
  let next = 0;
  let causes: string[] = ["the beginning"];
  let opensAt: number | undefined;
  let isOpen = false;
  let under = 0;
  for (;;) {
    causes.push(...merged.update(now, joined));
    const current = assignmentNow(assignment, hosts);
    const shares = sharesByAddress(endpointShares(cluster, current));
    const traffic = trafficOf(hosts, shares, { rate, retries, breakers });
    const endpoints = hosts.filter(({ address }) => (shares.get(address) ?? 0) > 0).length;
    const overload = overloadOf(breakers, {
      endpoints,
      rate: (rate / 1000) * (1 + traffic.retries),
      latency: traffic.latency,
    });
    if (overload === undefined) {
      if (isOpen) causes.push("the circuit breaker closes");
      isOpen = false;
      opensAt = undefined;
    } else if (!isOpen) {
      opensAt ??= now + Math.ceil(overload.after(under));
      if (opensAt <= now) {
        isOpen = true;
        causes.push(`the circuit breaker opens: ${overload.breaker}`);
      }
    }
    under = (rate / 1000) * traffic.latency;
    const overflow = isOpen ? (overload?.share ?? 0) : 0;
    // What is turned away reaches no endpoint.
    const letIn = 1 - overflow;
    if (causes.length > 0)
      moments.push({
        at: now,
        causes,
        hosts: hosts.map((host) => view(host, shares)),
        panic: panickingPriorities(cluster, current),
        failed: tidy(overflow + letIn * traffic.failed),
        failedAtFirst: tidy(overflow + letIn * traffic.failedAtFirst),
        overflow: tidy(overflow),
        retries: tidy(letIn * traffic.retries),
      });
    const speed = (host: Host) => (isFailing(host) ? (rate * letIn * (traffic.visits.get(host) ?? 0)) / 1000 : 0);
    const due = hosts.map((host) => ({ host, at: nextEjection(host, settings, speed(host), now) }));
    const opening = isOpen ? undefined : opensAt;
    const times = [events[next]?.at, nextTick(hosts, settings, now), opening, merged.dueAt, ...due.map(({ at }) => at)];
    const then = Math.min(...times.filter((at) => at !== undefined));
    if (!(then <= until)) return moments;
    for (const host of hosts) host.failures += speed(host) * (then - now);
    now = then;
    causes = [];
    const present = hosts.map(({ fault }) => fault === "gone").join();
    for (const { host, at } of due) if (at === now && settings) causes.push(...eject(host, hosts, settings, now));
    if (settings && now > 0 && now % settings.interval === 0) causes.push(...sweep(hosts, settings, now));
    for (let event = events[next]; event !== undefined && event.at <= now; event = events[++next])
      for (const host of hosts) if (isMeant(event, host)) causes.push(...befall(host, event, latency));
    joined = present !== hosts.map(({ fault }) => fault === "gone").join();
  }
}

interface Traffic extends Attempts {
  /** Of an attempt, in milliseconds. */
  readonly latency: number;
}

/** Attempts with the retries that are let through: as many as may be under way at once. */
function trafficOf(
  hosts: readonly Host[],
  shares: ReadonlyMap<string, number>,
  { rate, retries, breakers }: Pick<ClockOptions, "rate" | "retries" | "breakers">,
): Traffic {
  const shareOf = ({ address }: Host) => shares.get(address) ?? 0;
  const latency = hosts.reduce((sum, host) => sum + shareOf(host) * host.latency, 0);
  const follow = (allowed: number) => attemptsOf(hosts, shareOf, isFailing, retries, allowed);
  const free = follow(1);
  const wanted = (rate / 1000) * free.retries * ((retries?.pause ?? 0) + latency);
  const most = breakers.maxRetries((rate / 1000) * (1 + free.retries) * latency);
  return { ...(wanted > most ? follow(most / wanted) : free), latency };
}

const isFailing = ({ fault, status }: Host) => fault === "unreachable" || (fault === "failing" && status >= 500);

function view(host: Host, shares: ReadonlyMap<string, number>): HostMoment {
  const { address, locality, priority, fault, ejectedAt } = host;
  const state = fault === "gone" ? fault : ejectedAt !== undefined ? "ejected" : fault === "none" ? "up" : fault;
  return {
    address,
    locality,
    priority,
    state,
    share: tidy(shares.get(address) ?? 0),
    fails: isFailing(host),
  };
}

function nextEjection(
  host: Host,
  settings: OutlierSettings | undefined,
  /** Failures a millisecond. */
  speed: number,
  now: number,
): number | undefined {
  const threshold = settings?.threshold(host);
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

function befall(host: Host, { is, status = 503, latency }: TimedEvent, well: number): readonly string[] {
  const fault = is === "back" || is === "slow" ? "none" : is;
  const takes = latency ?? (is === "back" ? well : host.latency);
  if (host.fault === fault && host.status === status && host.latency === takes) return [];
  // A host that left and comes back is a new one to the load balancer.
  if (fault === "gone" || host.fault === "gone") {
    host.ejectedAt = undefined;
    host.backoff = 0;
  }
  host.fault = fault;
  host.status = status;
  host.latency = takes;
  host.failures = 0;
  return [`${host.address} is ${is}${is === "slow" ? `: ${takes / 1000}s` : ""}`];
}
