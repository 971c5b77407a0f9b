import { type ConfigObject, refOf, type ServiceEntry, type ServiceEntryPort } from "@fairlead/config";
import { type Labels, parseProtocol, type Resolution, type Service, type ServicePort } from "@fairlead/model";
import { normalizeVirtualIp } from "../ip-address.ts";
import { trafficDistribution } from "../traffic-distribution.ts";
import { allocatedAddresses } from "./allocation.ts";

/** Source: istio.io/api `ServiceEntry.Resolution`. */
const RESOLUTIONS: Readonly<Record<NonNullable<ServiceEntry["resolution"]>, Resolution>> = {
  NONE: "Passthrough",
  STATIC: "ClientSideLB",
  DNS: "DNSLB",
  DNS_ROUND_ROBIN: "DNSRoundRobinLB",
  DYNAMIC_DNS: "DynamicDNS",
};

/** One service a host, with all virtual IPs of the entry. Source: Istio `serviceentry.convertServices`. */
export function entryServices(
  entry: ConfigObject<"ServiceEntry">,
  namespaceAnnotations: Labels,
  allocated?: ReadonlyMap<string, readonly string[]>,
): readonly Service[] {
  const { spec, metadata } = entry;
  const { namespace, creationTimestamp } = metadata;
  const distribution = trafficDistribution(undefined, metadata.annotations, namespaceAnnotations).value;
  const shared = {
    namespace,
    registry: "External",
    ports: (spec.ports ?? []).map(entryPort),
    addresses: (spec.addresses ?? []).map(normalizeVirtualIp).filter((address) => address !== undefined),
    resolution: RESOLUTIONS[spec.resolution ?? "NONE"],
    meshExternal: spec.location !== "MESH_INTERNAL",
    exportTo: [...new Set(spec.exportTo ?? [])],
    labels: metadata.labels,
    ...(spec.workloadSelector && { selector: spec.workloadSelector.labels ?? {} }),
    subjectAltNames: spec.subjectAltNames ?? [],
    ...(creationTimestamp !== undefined && { creationTime: creationTimestamp }),
    ...(distribution && { trafficDistribution: distribution }),
    source: refOf(entry),
  };
  return [...new Set(spec.hosts)].map((hostname) => {
    const virtual = allocated?.get(hostname) ?? allocatedAddresses(entry, hostname);
    return {
      ...shared,
      hostname,
      name: hostname,
      ...(virtual.length > 0 && { allocatedAddresses: virtual }),
    };
  });
}

function entryPort(port: ServiceEntryPort): ServicePort {
  return {
    number: port.number,
    name: port.name,
    protocol: parseProtocol(port.protocol ?? ""),
    ...(port.targetPort && { targetPort: port.targetPort }),
  };
}
