import type { Labels } from "./labels.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { Protocol } from "./protocol.ts";

/** A port of a service. `number` is what clients dial; names are unique within a service. */
export interface ServicePort {
  readonly number: number;
  readonly name: string;
  readonly protocol: Protocol;
  /** What the workload listens on, when the registry knows it for the whole service: a number or a container port's name. Default: `number`. */
  readonly targetPort?: number | string;
}

/**
 * How a client finds the endpoints of a service (Istio's words):
 * `ClientSideLB` the control plane sends them, `DNSLB` the proxy resolves every endpoint name and uses all answers,
 * `DNSRoundRobinLB` it uses the first answer of each new resolution, `Passthrough` the original destination,
 * `Alias` another name stands for it (ExternalName), `DynamicDNS` the proxy resolves the request's own host.
 */
export type Resolution = "ClientSideLB" | "DNSLB" | "DNSRoundRobinLB" | "Passthrough" | "Alias" | "DynamicDNS";

/** A service of any registry. Immutable: a change is a new object. */
export interface Service {
  /** Fully qualified, lower case; may be a wildcard (`*.example.com`) for external services. */
  readonly hostname: string;
  readonly namespace: string;
  /** Short name in its registry. */
  readonly name: string;
  /** The registry it came from: `Kubernetes`, `External` (ServiceEntry), `Consul`, … */
  readonly registry: string;
  readonly ports: readonly ServicePort[];
  /** Virtual IPs or CIDRs. Empty: none, clients address it by name only. */
  readonly addresses: readonly string[];
  /**
   * Addresses that were allocated because it has none of its own. They mean something to proxies only that answer DNS
   * themselves.
   */
  readonly allocatedAddresses?: readonly string[];
  readonly resolution: Resolution;
  /** Outside the mesh: no sidecar, no mesh identity. */
  readonly meshExternal: boolean;
  /** `*`, `.`, `~` or namespaces; empty: the mesh default. */
  readonly exportTo: readonly string[];
  readonly labels: Labels;
  /** Which workloads back it; absent: endpoints are given by the registry. */
  readonly selector?: Labels;
  /** The names that a certificate of its workloads may carry, when the user lists them. */
  readonly subjectAltNames: readonly string[];
  /** RFC 3339; ties in precedence go to the oldest. */
  readonly creationTime?: string;
  /** The object it was made from. */
  readonly source: ObjectRef;
  /** A Kubernetes headless service. */
  readonly headless?: boolean;
  /** What an `Alias` stands for. */
  readonly externalName?: string;
  /** Endpoints that are not ready are served too. */
  readonly publishNotReadyAddresses?: boolean;
  /** Kubernetes `trafficDistribution` (or Istio's annotation of the same meaning). */
  readonly trafficDistribution?: "PreferSameZone" | "PreferSameNode";
  /** Clients reach only endpoints on their own node (Kubernetes `internalTrafficPolicy: Local`). */
  readonly nodeLocal?: boolean;
  /** Load balancer addresses under which it can be reached from other networks. */
  readonly externalAddresses?: readonly string[];
}

/** `namespace/hostname`: a service's key in every collection. */
export function serviceKey(service: { readonly namespace: string; readonly hostname: string }): string {
  return `${service.namespace}/${service.hostname}`;
}
