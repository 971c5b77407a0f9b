import type { Labels } from "./labels.ts";
import type { Locality } from "./locality.ts";

/** `draining` keeps existing sessions only; `unhealthy` proxies know and do not use; of `terminating` they are not told. */
export type HealthStatus = "healthy" | "unhealthy" | "draining" | "terminating";

/** One reachable instance of a service. Immutable. */
export interface Endpoint {
  /** IP addresses, a DNS name, or `unix://` and a path. The first is the main one. */
  readonly addresses: readonly string[];
  /** Service port name to the port this instance listens on (0 for a Unix socket). */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Labels;
  readonly namespace: string;
  /** Name of the workload (deployment) behind it, when known. */
  readonly workloadName?: string;
  readonly serviceAccount: string;
  readonly locality: Locality;
  /** Relative; 0 or absent counts as 1. */
  readonly weight?: number;
  readonly network: string;
  readonly clusterId: string;
  readonly health: HealthStatus;
  /** `istio`: a proxy there takes mesh mTLS. */
  readonly tlsMode: "istio" | "disabled";
  /** Kubernetes node. */
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
}

/** The address that names it in messages and keys. */
export function mainAddress(endpoint: { readonly addresses: readonly string[] }): string {
  return endpoint.addresses[0] ?? "";
}

/** The endpoints that a registry gives for one service, from one source (an EndpointSlice, a ServiceEntry, a catalog). */
export interface ServiceEndpoints {
  readonly hostname: string;
  readonly namespace: string;
  readonly endpoints: readonly Endpoint[];
}
