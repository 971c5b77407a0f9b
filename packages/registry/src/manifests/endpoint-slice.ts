import type { Endpoint, HealthStatus, Workload } from "@fairlead/model";
import { instanceLabels, NO_LOCALITY } from "../instance-labels.ts";
import type { Field } from "./field.ts";
import type { Surroundings } from "./options.ts";
import type { Reading } from "./reading.ts";

/** What a slice's endpoints depend on. */
export interface SliceContext {
  /** The Service keeps sessions, so that what drains may still be used. */
  readonly keepsSessions: boolean;
  /** The Service has addresses of both families. */
  readonly dualStack: boolean;
  readonly surroundings: Surroundings;
  /** The Pod of that name. */
  pod(namespace: string, name: string): Workload | undefined;
  /** A Pod of the namespace with that address. */
  podAt(namespace: string, address: string): Workload | undefined;
}

/** The name of the Service a slice belongs to; undefined for slices of multi-cluster services and of nothing. */
export function sliceService(slice: Field): string | undefined {
  const labels = slice.at("metadata").at("labels").labels();
  return labels["multicluster.kubernetes.io/service-name"] === undefined
    ? labels["kubernetes.io/service-name"] || undefined
    : undefined;
}

/**
 * The endpoints of an EndpointSlice (discovery.k8s.io/v1); what is not ready is unhealthy. Left out is what points to a Pod that
 * is not known, whose identity could only be guessed.
 */
export function sliceEndpoints(reading: Reading, context: SliceContext): readonly Endpoint[] {
  const { root } = reading;
  const addressType = root.at("addressType").text();
  if (addressType === "FQDN") {
    reading.unsupported("addressType", "endpoints given by name are not used, as in Istio: use a ServiceEntry");
    return [];
  }
  const ports = slicePorts(root.at("ports"));
  return root
    .at("endpoints")
    .items()
    .flatMap((endpoint) => {
      const health = endpointHealth(endpoint.at("conditions"), context);
      return endpoint
        .at("addresses")
        .items()
        .flatMap((field) => {
          const address = field.nonEmptyText();
          const pod =
            address === undefined ? undefined : findPod(reading, endpoint.at("targetRef"), field, address, context);
          if (address === undefined || pod === "missing") return [];
          const both =
            context.dualStack && endpoint.at("targetRef").value !== undefined && (pod?.addresses.length ?? 0) > 1;
          if (both && addressType === "IPv6") return [];
          return [toEndpoint(both && pod ? pod.addresses : [address], ports, health, pod, reading.namespace, context)];
        });
    });
}

/** Name to number. A port without a number has no endpoint. */
export function slicePorts(list: Field): Readonly<Record<string, number>> {
  return Object.fromEntries(
    list.items().flatMap((port) => {
      const number = port.at("port").port();
      return number === undefined ? [] : [[port.at("name").text() ?? "", number]];
    }),
  );
}

/** Absent conditions count as true. Source: Istio `endpointHealthStatus`. */
function endpointHealth(conditions: Field, context: SliceContext): HealthStatus {
  if (conditions.at("ready").flag() !== false) return "healthy";
  const terminating = conditions.at("terminating").flag() !== false;
  if (context.keepsSessions && terminating && conditions.at("serving").flag() !== false) return "draining";
  return terminating ? "terminating" : "unhealthy";
}

function findPod(
  reading: Reading,
  target: Field,
  field: Field,
  address: string,
  context: SliceContext,
): Workload | undefined | "missing" {
  if (target.at("kind").text() !== "Pod") return context.podAt(reading.namespace, address);
  const name = target.at("name").text() ?? "";
  const pod = context.pod(target.at("namespace").text() ?? reading.namespace, name);
  if (pod) return pod;
  const message = `${address} is left out: its Pod ${JSON.stringify(name)} is not known, so its identity is not either`;
  reading.report({ code: "pod-not-found", severity: "warning", path: field.path, message });
  return "missing";
}

/** An endpoint at these addresses, with what its Pod, if there is one, tells. */
export function toEndpoint(
  addresses: readonly string[],
  ports: Readonly<Record<string, number>>,
  health: HealthStatus,
  pod: Workload | undefined,
  namespace: string,
  { surroundings: { clusterId, network } }: SliceContext,
): Endpoint {
  if (pod === undefined)
    return {
      addresses,
      ports,
      labels: instanceLabels({}, { clusterId, locality: NO_LOCALITY, network }),
      namespace,
      serviceAccount: "",
      locality: NO_LOCALITY,
      network,
      clusterId,
      health,
      tlsMode: "disabled",
    };
  return {
    addresses,
    ports,
    labels: pod.labels,
    namespace: pod.namespace,
    workloadName: pod.workloadName,
    serviceAccount: pod.serviceAccount,
    locality: pod.locality,
    network: pod.network,
    clusterId: pod.clusterId,
    health,
    tlsMode: pod.tlsMode,
    ...(pod.nodeName !== undefined && { nodeName: pod.nodeName }),
    ...(pod.hostname !== undefined && { hostname: pod.hostname }),
    ...(pod.subdomain !== undefined && { subdomain: pod.subdomain }),
  };
}
