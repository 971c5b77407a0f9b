import type { LbEndpoint } from "../envoy.ts";

export type HostHealth = "healthy" | "degraded" | "unhealthy";

/** How a load balancer counts a host: unknown health is healthy; draining, timed out and unhealthy are not. */
export function hostHealth({ healthStatus = "UNKNOWN" }: LbEndpoint): HostHealth {
  if (healthStatus === "HEALTHY" || healthStatus === "UNKNOWN") return "healthy";
  return healthStatus === "DEGRADED" ? "degraded" : "unhealthy";
}
