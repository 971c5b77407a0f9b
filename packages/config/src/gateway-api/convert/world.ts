import type { Labels } from "@fairlead/model";

/** A port of a service, as far as references to it go. */
export interface KnownPort {
  readonly name: string;
  readonly number: number;
}

/** A service that the mesh knows, of whatever registry. */
export interface KnownService {
  readonly hostname: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly ports: readonly KnownPort[];
  /** Virtual IPs. */
  readonly addresses: readonly string[];
  /** Those of its load balancer; undefined: it has none. Empty: they have not been given yet. */
  readonly externalAddresses?: readonly string[];
  /** Ports of the workloads behind each of its ports, by the service's port. */
  readonly instances: ReadonlyMap<number, readonly number[]>;
}

export interface KnownServiceEntry {
  readonly hosts: readonly string[];
  readonly ports: readonly KnownPort[];
  readonly labels: Labels;
}

/** The content of a Secret (decoded) or a ConfigMap. */
export type Content = Readonly<Record<string, string>>;

/** What the conversion of Gateway API objects asks of everything else. */
export interface GatewayApiWorld {
  /** Of Services' host names. */
  readonly domainSuffix: string;
  /** The services of this full name, of all namespaces. */
  services(hostname: string): readonly KnownService[];
  serviceEntry(namespace: string, name: string): KnownServiceEntry | undefined;
  /** Namespaces and their labels. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** Undefined: there is none. `unknown`: nobody can say, and it is taken to be there and good. */
  secret(namespace: string, name: string): Content | "unknown" | undefined;
  configMap(namespace: string, name: string): Content | "unknown" | undefined;
}

/** The Kubernetes Service of a name. */
export function kubernetesService(world: GatewayApiWorld, namespace: string, name: string): KnownService | undefined {
  return serviceIn(world, `${name}.${namespace}.svc.${world.domainSuffix}`, namespace);
}

/** The service of a full name that belongs to the namespace. */
export function serviceIn(world: GatewayApiWorld, hostname: string, namespace: string): KnownService | undefined {
  return world.services(hostname).find((service) => service.namespace === namespace);
}
