import type { RouteAction } from "../envoy.ts";
import type { Host } from "./host.ts";

type Policy = NonNullable<RouteAction["retryPolicy"]>;

/** What of a route's retry policy counts here. */
export interface Retries {
  readonly most: number;
  /** A retry does not go where the request has been (as long as there is elsewhere). */
  readonly elsewhere: boolean;
  readonly retriable: (host: Host) => boolean;
  /** How long a retry waits on average, in milliseconds: half of the back-off's base, which is 25 ms where nothing is said. */
  readonly pause: number;
}

/** Source: envoy.config.route.v3.RetryPolicy, `x-envoy-retry-on` of the router filter. */
export function retriesOf(policy: Policy | undefined, milliseconds: (duration: string) => number): Retries | undefined {
  if (policy === undefined) return undefined;
  const on = new Set((policy.retryOn ?? "").split(",").map((one) => one.trim()));
  const codes = new Set(policy.retriableStatusCodes ?? []);
  const base = policy.retryBackOff?.baseInterval;
  return {
    most: policy.numRetries ?? 1,
    elsewhere: (policy.retryHostPredicate ?? []).some(({ name = "" }) => name.includes("previous_hosts")),
    pause: (base === undefined ? 25 : milliseconds(base)) / 2,
    retriable({ fault, status }) {
      if (fault === "unreachable")
        return ["connect-failure", "reset", "5xx", "gateway-error"].some((one) => on.has(one));
      if (fault !== "failing") return false;
      return (
        (status >= 500 && on.has("5xx")) ||
        (status >= 502 && status <= 504 && on.has("gateway-error")) ||
        (status === 409 && on.has("retriable-4xx")) ||
        (codes.has(status) && on.has("retriable-status-codes"))
      );
    },
  };
}

/** What becomes of requests with their retries. */
export interface Attempts {
  /** Of all requests, those whose last attempt fails. */
  readonly failed: number;
  readonly failedAtFirst: number;
  /** Retries for each request. */
  readonly retries: number;
  /** Attempts at each endpoint for each request. */
  readonly visits: ReadonlyMap<Host, number>;
}

/**
 * Follows requests through their attempts: each goes to an endpoint by its share, a retry by the shares of those that are left.
 * `allowed`: the share of retries that budget and circuit breaker let through. Exact where the endpoints that fail have equal shares.
 */
export function attemptsOf(
  hosts: readonly Host[],
  shareOf: (host: Host) => number,
  isFailing: (host: Host) => boolean,
  retries: Retries | undefined,
  allowed = 1,
): Attempts {
  const failing = hosts.filter((host) => isFailing(host) && shareOf(host) > 0);
  const total = hosts.reduce((sum, host) => sum + shareOf(host), 0);
  // Where no endpoint takes requests, these fail without any attempt.
  const lost = Math.max(0, 1 - total);
  const bad = failing.reduce((sum, host) => sum + shareOf(host), 0);
  const again = failing.reduce((sum, host) => sum + (retries?.retriable(host) ? shareOf(host) : 0), 0);
  const one = failing.length > 0 ? bad / failing.length : 0;
  const visits = new Map(hosts.map((host) => [host, 0]));
  let reach = total;
  let failed = lost;
  let retried = 0;
  for (let attempt = 0; ; attempt++) {
    const tried = retries?.elsewhere ? Math.min(attempt, failing.length) : 0;
    // The endpoints that failed the request are passed over, unless there is no other.
    const left = total - tried * one;
    const all = left < 1e-9;
    const badLeft = all ? 1 : (bad - tried * one) / left;
    for (const host of hosts) {
      const own = shareOf(host);
      if (own === 0) continue;
      const part = failing.includes(host) ? badLeft * (bad === 0 ? 0 : own / bad) : all ? 0 : own / left;
      visits.set(host, (visits.get(host) ?? 0) + reach * part);
    }
    const now = reach * badLeft;
    const more = attempt < (retries?.most ?? 0) && bad > 0 ? now * (again / bad) * allowed : 0;
    failed += now - more;
    retried += more;
    reach = more;
    if (reach < 1e-12) return { failed, failedAtFirst: lost + (total > 0 ? bad : 0), retries: retried, visits };
  }
}
