import type { Collection, Diagnostic, Namespace, Service, ServiceEndpoints, Workload } from "@fairlead/model";
import { serviceKey } from "@fairlead/model";

/**
 * A source of services. It says what exists and joins nothing: which workloads a selector picks is decided by whoever
 * reads several registries together.
 *
 * Whoever creates a registry closes it. After `close()` its collections keep their last values and emit nothing more.
 */
export interface Registry {
  /** For people: `Kubernetes`, `consul dc1`, … */
  readonly name: string;
  /** By `serviceKey(service)`: `namespace/hostname`. */
  readonly services: Collection<Service>;
  /** By `objectKey(source)`. */
  readonly workloads: Collection<Workload>;
  /** By {@link endpointsKey}: `namespace/hostname`, with `#source` where several sources give endpoints for one service. */
  readonly endpoints: Collection<ServiceEndpoints>;
  /** By name. */
  readonly namespaces: Collection<Namespace>;
  /** Resolves when the first full state has been read; rejects when it never can be. */
  readonly ready: Promise<void>;
  /** What is wrong with its input now, all of it. */
  diagnostics(): readonly Diagnostic[];
  /** Idempotent. */
  close(): Promise<void> | void;
}

/** The key of endpoints: that of their service, and the source (slice, entry, catalog) when one service has several. */
export function endpointsKey(
  service: { readonly namespace: string; readonly hostname: string },
  source?: string,
): string {
  return source === undefined ? serviceKey(service) : `${serviceKey(service)}#${source}`;
}
