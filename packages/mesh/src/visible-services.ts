import type { Service } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { byAge } from "./mesh.ts";
import { serviceVisibility } from "./service-visibility.ts";
import { isVisibleTo, namespaceAmong, type Visibility } from "./visibility.ts";

interface ServiceCatalog {
  /** Oldest first. */
  readonly services: readonly Service[];
  /** Only services that not everybody sees. */
  readonly restricted: ReadonlyMap<Service, Visibility>;
  /** Namespaces for which a restriction or a duplicate host name makes a difference. */
  readonly relevantNamespaces: readonly string[];
}

const catalog: Query<void, ServiceCatalog> = {
  name: "service-catalog",
  key: () => "",
  compute(read) {
    const namespaces = read.bucket("serviceNamespaces", "") ?? [];
    const found = namespaces.flatMap((namespace) => read.bucket("services", namespace) ?? []);
    // Those of one namespace are in order already.
    const services = namespaces.length > 1 ? found.sort(byAge) : found;
    const restricted = new Map<Service, Visibility>();
    const relevant = new Set<string>();
    const seen = new Map<string, Service>();
    for (const service of services) {
      const visibility = serviceVisibility(read, service);
      if (visibility !== "public") restricted.set(service, visibility);
      if (typeof visibility === "object") for (const namespace of visibility) relevant.add(namespace);
      const twin = seen.get(service.hostname);
      if (twin) {
        relevant.add(twin.namespace);
        relevant.add(service.namespace);
      } else seen.set(service.hostname, service);
    }
    return { services, restricted, relevantNamespaces: [...relevant].sort() };
  },
};

/**
 * All services that a namespace sees: those that it alone sees, those that some see, those that all do, each oldest first.
 * Whose port is taken by the first of them is decided by this. Source: Istio `PushContext.servicesExportedToNamespace`.
 */
const visibleTo: Query<string, readonly Service[]> = {
  name: "visible-services",
  key: (namespace) => namespace,
  compute(read, namespace) {
    const { services, restricted } = read.ask(catalog, undefined);
    if (restricted.size === 0) return services;
    const alone: Service[] = [];
    const some: Service[] = [];
    const everybody: Service[] = [];
    for (const service of services) {
      const visibility = restricted.get(service);
      if (visibility === undefined) everybody.push(service);
      else if (isVisibleTo(visibility, namespace))
        (typeof visibility === "object" && visibility.size === 1 ? alone : some).push(service);
    }
    return alone.length + some.length === 0 ? everybody : [...alone, ...some, ...everybody];
  },
  equal: sameMembers,
};

/** All services that the node's namespace sees, those first that fewer see, oldest first; a host name may occur in several namespaces. */
export function visibleServices(read: Reader): readonly Service[] {
  const { relevantNamespaces } = read.ask(catalog, undefined);
  return read.ask(visibleTo, namespaceAmong(read, relevantNamespaces));
}

const NONE: readonly Service[] = [];

/** The services of a host name that the node's namespace sees. */
export function visibleServicesOfHost(read: Reader, hostname: string): readonly Service[] {
  const services = read.bucket("host", hostname);
  if (!services) return NONE;
  const visibilities = services.map((service) => serviceVisibility(read, service));
  if (visibilities.every((visibility) => visibility === "public")) return services;
  const namespace = namespaceAmong(
    read,
    visibilities.flatMap((visibility) => (typeof visibility === "object" ? [...visibility] : [])),
  );
  return services.filter((_, index) => isVisibleTo(visibilities[index] ?? "none", namespace));
}

/**
 * The one service that a host name means to the node: that of its own namespace, else one of Kubernetes (nobody takes
 * such a name by an older ServiceEntry), else the oldest. Source: Istio `SidecarScope.appendSidecarServices`.
 */
export function serviceOfHost(read: Reader, hostname: string): Service | undefined {
  const services = visibleServicesOfHost(read, hostname);
  if (services.length <= 1) return services[0];
  const own = namespaceAmong(
    read,
    services.map((service) => service.namespace),
  );
  return (
    services.find((service) => service.namespace === own) ??
    services.find((service) => service.registry === "Kubernetes") ??
    services[0]
  );
}

/** Equal length and the same objects in the same order. */
export function sameMembers<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((member, index) => member === b[index]));
}
