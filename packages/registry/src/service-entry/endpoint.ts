import type { ConfigObject, ServiceEntryPort, WorkloadEntry } from "@fairlead/config";
import { type Endpoint, parseLocality, type Service } from "@fairlead/model";
import { instanceLabels, localityOfLabels, NO_LOCALITY, type Placement } from "../instance-labels.ts";

/**
 * The endpoints that a ServiceEntry itself gives one of its services: those listed, or, where the proxy resolves names
 * and none is listed, the host. With a `workloadSelector` there are none: workloads are joined later.
 * Source: Istio `serviceentry.convertServiceEntryToInstances`.
 */
export function entryEndpoints(
  entry: ConfigObject<"ServiceEntry">,
  service: Service,
  placement: Placement,
): readonly Endpoint[] {
  const { spec, metadata } = entry;
  if (spec.workloadSelector) return [];
  const listed = spec.endpoints ?? [];
  if (listed.length > 0)
    return listed.map((endpoint, index) => ({
      ...instance(endpoint, placement),
      ports: entryPorts(endpoint, spec.ports ?? []),
      namespace: metadata.namespace,
      workloadName: `${metadata.name}-${index}`,
      health: "healthy",
    }));
  if (service.resolution !== "DNSLB" && service.resolution !== "DNSRoundRobinLB") return [];
  return [
    {
      addresses: [service.hostname],
      ports: entryPorts({}, spec.ports ?? []),
      labels: {},
      namespace: metadata.namespace,
      workloadName: metadata.name,
      serviceAccount: "",
      locality: NO_LOCALITY,
      network: "",
      clusterId: placement.clusterId,
      health: "healthy",
      tlsMode: "disabled",
    },
  ];
}

/** What a WorkloadEntry says about where and how its instance is reached. */
export function instance(
  spec: WorkloadEntry,
  placement: Placement,
): Pick<
  Endpoint,
  "addresses" | "labels" | "serviceAccount" | "locality" | "weight" | "network" | "clusterId" | "tlsMode"
> {
  const own = spec.labels ?? {};
  const locality = spec.locality ? parseLocality(spec.locality) : (localityOfLabels(own) ?? NO_LOCALITY);
  const network = spec.network || placement.network;
  const { clusterId } = placement;
  return {
    addresses: spec.address ? [spec.address] : [],
    labels: instanceLabels(own, { clusterId, locality, network }),
    serviceAccount: spec.serviceAccount ?? "",
    locality,
    ...(spec.weight && { weight: spec.weight }),
    network,
    clusterId,
    tlsMode: entryTlsMode(spec),
  };
}

/** The label decides; without it, who has a service account has a proxy. Source: Istio `getTLSModeFromWorkloadEntry`. */
function entryTlsMode(spec: WorkloadEntry): "istio" | "disabled" {
  const label = spec.labels?.["security.istio.io/tlsMode"];
  if (label !== undefined) return label === "istio" ? "istio" : "disabled";
  return spec.serviceAccount ? "istio" : "disabled";
}

/** Per service port: 0 for a Unix socket, else the endpoint's own, else the port's target, else its number. */
function entryPorts(endpoint: WorkloadEntry, ports: readonly ServiceEntryPort[]): Readonly<Record<string, number>> {
  const unix = endpoint.address?.startsWith("unix://") ?? false;
  const own = new Map(Object.entries(endpoint.ports ?? {}));
  return Object.fromEntries(
    ports.map((port) => [port.name, unix ? 0 : own.get(port.name) || port.targetPort || port.number]),
  );
}
