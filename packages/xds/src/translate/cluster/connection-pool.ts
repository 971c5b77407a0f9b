import type { ConnectionPool, MeshConfig, RetryBudget, TcpKeepalive } from "@fairlead/config";
import { parseDuration } from "@fairlead/config";
import type { CircuitBreakers, Cluster, TcpKeepalive as EnvoyKeepalive } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";

const UNLIMITED = 4_294_967_295;

/** Shared by all clusters without settings of their own: nobody changes it. */
const NO_LIMITS: CircuitBreakers = {
  thresholds: [
    { maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED, maxRetries: UNLIMITED },
  ],
};

const positive = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined);

/**
 * Limits of a cluster. Without settings there are none: Envoy's own defaults (1024, and 3 retries) are too low for a mesh.
 * Zero means "not set", as in Istio's API.
 */
export function circuitBreakers(pool: ConnectionPool | undefined, budget: RetryBudget | undefined): CircuitBreakers {
  const maxConnections = positive(pool?.tcp?.maxConnections);
  const maxPendingRequests = positive(pool?.http?.http1MaxPendingRequests);
  const maxRequests = positive(pool?.http?.http2MaxRequests);
  const maxRetries = positive(pool?.http?.maxRetries);
  if (!maxConnections && !maxPendingRequests && !maxRequests && !maxRetries && !budget) return NO_LIMITS;
  const budgetInterval = durationOf(budget?.budgetInterval);
  return {
    thresholds: [
      {
        maxConnections: maxConnections ?? UNLIMITED,
        maxPendingRequests: maxPendingRequests ?? UNLIMITED,
        maxRequests: maxRequests ?? UNLIMITED,
        maxRetries: maxRetries ?? UNLIMITED,
        ...(budget
          ? {
              retryBudget: {
                budgetPercent: budget.percent === 0 ? {} : { value: budget.percent ?? 20 },
                ...(budgetInterval ? { budgetInterval } : {}),
                minRetryConcurrency: positive(budget.minRetryConcurrency) ?? 3,
              },
            }
          : {}),
      },
    ],
  };
}

/** Default: the mesh's, 10s. */
export function connectTimeout(pool: ConnectionPool | undefined, mesh: MeshConfig): string {
  return durationOf(pool?.tcp?.connectTimeout) ?? durationOf(mesh.connectTimeout) ?? "10s";
}

function seconds(duration: string | undefined): number | undefined {
  const milliseconds = duration === undefined ? undefined : parseDuration(duration);
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);
}

function keepalive(settings: TcpKeepalive | undefined): EnvoyKeepalive {
  const { probes, time, interval } = settings ?? {};
  const keepaliveTime = seconds(time);
  const keepaliveInterval = seconds(interval);
  return {
    ...(probes ? { keepaliveProbes: probes } : {}),
    ...(keepaliveTime === undefined ? {} : { keepaliveTime }),
    ...(keepaliveInterval === undefined ? {} : { keepaliveInterval }),
  };
}

/** TCP keepalive of the mesh, each field overridden by the pool's. Without either, Envoy does not ask for any. */
export function upstreamConnectionOptions(
  pool: ConnectionPool | undefined,
  mesh: MeshConfig,
): Cluster["upstreamConnectionOptions"] {
  const own = pool?.tcp?.tcpKeepalive;
  if (!own && !mesh.tcpKeepalive) return undefined;
  return { tcpKeepalive: { ...keepalive(mesh.tcpKeepalive), ...keepalive(own) } };
}
