import { type ConfigObject, isKind, refOf } from "@fairlead/config";
import type { Change, Collection, Diagnostic, Namespace, ServiceEndpoints } from "@fairlead/model";
import { type Contribution, DerivedRegistry } from "../derived-registry.ts";
import type { Placement } from "../instance-labels.ts";
import { endpointsKey, type Registry } from "../registry.ts";
import { trafficDistribution } from "../traffic-distribution.ts";
import { AddressPool } from "./address-pool.ts";
import { isAllocated, isAllocatedHost } from "./allocation.ts";
import { entryEndpoints } from "./endpoint.ts";
import { entryServices } from "./service.ts";
import { entryWorkload } from "./workload.ts";

export interface ServiceEntryRegistryOptions {
  readonly name?: string;
  /** Default `Kubernetes`. */
  readonly clusterId?: string;
  /** Network of endpoints that do not name one. Default: none. */
  readonly network?: string;
  /** Their annotations are defaults of traffic distribution. */
  readonly namespaces?: Collection<Namespace>;
  /**
   * Gives hosts of entries without addresses virtual ones, beside those that `status.addresses` holds, which are served in
   * any case. Default: false.
   */
  readonly allocateAddresses?: boolean;
}

/**
 * The registry of what ServiceEntry and WorkloadEntry objects of a configuration describe. Objects are taken as
 * validated; other kinds are left alone (a WorkloadGroup is the template of entries and describes none itself).
 */
export function serviceEntryRegistry(
  config: Collection<ConfigObject>,
  options: ServiceEntryRegistryOptions = {},
): Registry {
  const placement: Placement = { clusterId: options.clusterId ?? "Kubernetes", network: options.network ?? "" };
  const pool = options.allocateAddresses ? new AddressPool(config) : undefined;
  const derive = (key: string, read: (topic: string) => void): Contribution | undefined => {
    const entry = config.get(key);
    if (entry === undefined) return undefined;
    if (isKind(entry, "WorkloadEntry")) return { workloads: [entryWorkload(entry, placement)] };
    if (!isKind(entry, "ServiceEntry")) return undefined;
    const { namespace } = entry.metadata;
    read(`namespace:${namespace}`);
    const annotations = options.namespaces?.get(namespace)?.annotations ?? {};
    return serviceEntryContribution(entry, placement, annotations, pool?.of(key));
  };
  const subscriptions = [
    config.subscribe((changes) =>
      registry.update([
        ...changes.map(({ key }) => key),
        ...(changes.some(isAboutEntry) ? (pool?.update() ?? []) : []),
      ]),
    ),
    options.namespaces?.subscribe((changes) =>
      registry.update(
        [],
        changes.map(({ key }) => `namespace:${key}`),
      ),
    ),
  ];
  const registry = new DerivedRegistry({
    name: options.name ?? "ServiceEntry",
    ready: Promise.all([config.ready, options.namespaces?.ready]).then(() => undefined),
    derive,
    onClose: () => {
      for (const unsubscribe of subscriptions) unsubscribe?.();
    },
  });
  pool?.update();
  registry.update(config.keys());
  return registry;
}

const isAboutEntry = ({ value, previous }: Change<ConfigObject>) => (value ?? previous)?.kind === "ServiceEntry";

const CONNECT_STRATEGY = "istio.io/connect-strategy";

function serviceEntryContribution(
  entry: ConfigObject<"ServiceEntry">,
  placement: Placement,
  namespaceAnnotations: Readonly<Record<string, string>>,
  allocated?: ReadonlyMap<string, readonly string[]>,
): Contribution {
  const object = refOf(entry);
  const services = entryServices(entry, namespaceAnnotations, allocated);
  const endpoints = new Map<string, ServiceEndpoints>();
  for (const service of services) {
    const given = entryEndpoints(entry, service, placement);
    const { hostname, namespace } = service;
    if (given.length > 0)
      endpoints.set(endpointsKey(service, entry.metadata.name), { hostname, namespace, endpoints: given });
  }
  const diagnostics: Diagnostic[] = trafficDistribution(undefined, entry.metadata.annotations, {}).diagnostics.map(
    (diagnostic) => ({ ...diagnostic, object }),
  );
  if (
    allocated &&
    services.some((one) => isAllocated(entry) && isAllocatedHost(entry, one.hostname) && !one.allocatedAddresses)
  )
    diagnostics.push({
      code: "addresses-exhausted",
      severity: "warning",
      path: "spec.hosts",
      message: "no virtual address is left to allocate: give spec.addresses",
      object,
    });
  // Source: Istio `model.GetDNSConnectStrategy`.
  if (entry.metadata.annotations[CONNECT_STRATEGY]?.toUpperCase() === "RACE_FIRST_TCP_CONNECT")
    diagnostics.push({
      code: "unsupported-field",
      severity: "warning",
      path: `metadata.annotations[${JSON.stringify(CONNECT_STRATEGY)}]`,
      message: "connections are not raced: the addresses of a name are used as Envoy resolves them",
      object,
    });
  return { services, endpoints, diagnostics };
}
