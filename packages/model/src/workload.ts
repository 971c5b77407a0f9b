import type { HealthStatus } from "./endpoint.ts";
import type { Labels } from "./labels.ts";
import type { Locality } from "./locality.ts";
import type { ObjectRef } from "./object-ref.ts";

/**
 * Something that runs (a Pod, a WorkloadEntry), before it is joined to the services that select it.
 * A Deployment without Pods gives a workload with no address: it has labels and ports, but no endpoint.
 */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  /** IPs, a DNS name, or `unix://` and a path; empty when not known. */
  readonly addresses: readonly string[];
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly locality: Locality;
  readonly network: string;
  readonly clusterId: string;
  readonly health: HealthStatus;
  readonly tlsMode: "istio" | "disabled";
  readonly weight?: number;
  /** Named ports: container ports of a Pod, `ports` of a WorkloadEntry (by service port name). */
  readonly ports: Readonly<Record<string, number>>;
  /** Name of the controller (Deployment) it belongs to, else its own. */
  readonly workloadName: string;
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly source: ObjectRef;
}
