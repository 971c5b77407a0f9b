import { type ConfigObject, isKind, refOf } from "@fairlead/config";
import type { Collection, Diagnostic, Namespace, ServiceEndpoints } from "@fairlead/model";
import { type Contribution, DerivedRegistry } from "../derived-registry.ts";
import type { Placement } from "../instance-labels.ts";
import { endpointsKey, type Registry } from "../registry.ts";
import { trafficDistribution } from "../traffic-distribution.ts";
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
  const derive = (key: string, read: (topic: string) => void): Contribution | undefined => {
    const entry = config.get(key);
    if (entry === undefined) return undefined;
    if (isKind(entry, "WorkloadEntry")) return { workloads: [entryWorkload(entry, placement)] };
    if (!isKind(entry, "ServiceEntry")) return undefined;
    const { namespace } = entry.metadata;
    read(`namespace:${namespace}`);
    return serviceEntryContribution(entry, placement, options.namespaces?.get(namespace)?.annotations ?? {});
  };
  const subscriptions = [
    config.subscribe((changes) => registry.update(changes.map(({ key }) => key))),
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
  registry.update(config.keys());
  return registry;
}

const CONNECT_STRATEGY = "istio.io/connect-strategy";

function serviceEntryContribution(
  entry: ConfigObject<"ServiceEntry">,
  placement: Placement,
  namespaceAnnotations: Readonly<Record<string, string>>,
): Contribution {
  const object = refOf(entry);
  const services = entryServices(entry, namespaceAnnotations);
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
  if (hasUnservedAddresses(entry))
    diagnostics.push({
      code: "unsupported-field",
      severity: "info",
      path: "status.addresses",
      message: "automatically allocated addresses are not served: give spec.addresses to have a virtual IP",
      object,
    });
  // Source: Istio `model.GetDNSConnectStrategy`.
  if (entry.metadata.annotations[CONNECT_STRATEGY]?.toUpperCase() === "RACE_FIRST_TCP_CONNECT")
    diagnostics.push({
      code: "unsupported-field",
      severity: "warning",
      path: `metadata.annotations[${CONNECT_STRATEGY}]`,
      message: "connections are not raced: the addresses of a name are used as Envoy resolves them",
      object,
    });
  return { services, endpoints, diagnostics };
}

/** Allocated addresses count where the proxy could use them: a resolution, and no addresses of the user's own. */
function hasUnservedAddresses({ spec, status }: ConfigObject<"ServiceEntry">): boolean {
  const allocated = (status as { readonly addresses?: unknown } | undefined)?.addresses;
  const used = spec.resolution !== undefined && spec.resolution !== "NONE" && (spec.addresses ?? []).length === 0;
  return used && Array.isArray(allocated) && allocated.length > 0;
}
