import { type Cluster, integer } from "../envoy.ts";

/** Circuit breakers of a cluster, of the default priority. Source: envoy.config.cluster.v3.CircuitBreakers, defaults included. */
export interface Breakers {
  readonly http2: boolean;
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  /** How many retries may be under way when so many requests are. */
  readonly maxRetries: (active: number) => number;
}

export function breakersOf({ circuitBreakers }: Cluster, http2: boolean): Breakers {
  const threshold = circuitBreakers?.thresholds?.find(({ priority = "DEFAULT" }) => priority === "DEFAULT") ?? {};
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries, retryBudget } = threshold;
  return {
    http2,
    maxConnections: integer(maxConnections, 1024),
    maxPending: integer(maxPendingRequests, 1024),
    maxRequests: integer(maxRequests, 1024),
    maxRetries: (active) =>
      retryBudget
        ? Math.max(
            integer(retryBudget.minRetryConcurrency, 3),
            ((retryBudget.budgetPercent?.value ?? (retryBudget.budgetPercent ? 0 : 20)) / 100) * active,
          )
        : integer(maxRetries, 3),
  };
}

/** Requests that come in and stay: `rate` a millisecond, `latency` milliseconds each. */
export interface Load {
  readonly rate: number;
  readonly latency: number;
  /** Over so many endpoints. */
  readonly endpoints: number;
}

/** The breaker that a lasting load opens. */
export interface Overload {
  readonly breaker: string;
  /** Of the requests, those that are turned away while it lasts. */
  readonly share: number;
  /** After so many milliseconds, when `before` were under way. */
  readonly after: (before: number) => number;
}

/**
 * Whether a load is more than the breakers let be. HTTP/1.1 requests need a connection each and wait for one, as many as may be
 * pending, though each endpoint may have one whatever the limit; HTTP/2 requests share connections and are counted themselves.
 */
export function overloadOf(
  { http2, maxConnections, maxPending, maxRequests }: Breakers,
  load: Load,
): Overload | undefined {
  const served = http2 ? maxRequests : Math.max(maxConnections, load.endpoints);
  const under = load.rate * load.latency;
  if (under <= served + 1e-9) return undefined;
  const room = http2 ? served : served + maxPending;
  return {
    breaker: http2
      ? `max requests ${maxRequests}`
      : `max connections ${maxConnections} and max pending requests ${maxPending}`,
    share: 1 - served / under,
    after(before) {
      const first = Math.max(0, room - before) / load.rate;
      if (first <= load.latency) return first;
      // By then the first are answered, as many as are served at once in each latency.
      return load.latency + (room - before - load.rate * load.latency) / (load.rate - served / load.latency);
    },
  };
}
