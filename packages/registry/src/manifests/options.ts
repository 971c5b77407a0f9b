import type { Placement } from "../instance-labels.ts";

export interface ManifestsRegistryOptions {
  readonly name?: string;
  /** What the names of Services end in. Default `cluster.local`. */
  readonly domainSuffix?: string;
  /** Default `Kubernetes`. */
  readonly clusterId?: string;
  /** Network of what carries no `topology.istio.io/network` label. Default: that label of the system namespace, else none. */
  readonly network?: string;
  /** Default `istio-system`. */
  readonly systemNamespace?: string;
  /** Of the identities that `alpha.istio.io/kubernetes-serviceaccounts` annotations stand for. Default `cluster.local`. */
  readonly trustDomain?: string;
  /** Whether a dual-stack Pod behind a dual-stack Service is one endpoint with several addresses. Default false: one endpoint each. */
  readonly dualStack?: boolean;
}

/** The options with their defaults, and the network as it is now. */
export interface Surroundings extends Placement {
  readonly domainSuffix: string;
  readonly trustDomain: string;
  readonly dualStack: boolean;
}
