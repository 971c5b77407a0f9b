import type { HealthStatus, Labels, Locality, Workload } from "@fairlead/model";
import { instanceLabels, localityOfLabels, NO_LOCALITY } from "../instance-labels.ts";
import type { Field } from "./field.ts";
import type { Surroundings } from "./options.ts";
import type { Reading } from "./reading.ts";
import { controllerName } from "./workload-name.ts";

/**
 * The workload that a Pod is; undefined once it has finished. A Pod without any `status` (a manifest that was never
 * applied) has no address. Source: Istio `kube/controller` pod cache and endpoint builder.
 */
export function podWorkload(
  reading: Reading,
  nodeLocality: Locality | undefined,
  surroundings: Surroundings,
): Workload | undefined {
  const { root, name } = reading;
  const status = root.at("status");
  const phase = status.at("phase").text();
  if (phase === "Failed" || phase === "Succeeded") return undefined;
  const ip = status.at("podIP").nonEmptyText();
  const ips = status
    .at("podIPs")
    .items()
    .flatMap((entry) => entry.at("ip").nonEmptyText() ?? []);
  const addresses = [...new Set([...(ip ? [ip] : []), ...ips])];
  const metadata = root.at("metadata");
  return {
    ...templateWorkload(reading, metadata, root.at("spec"), nodeLocality, surroundings),
    name,
    addresses: surroundings.dualStack ? addresses : addresses.slice(0, 1),
    health: podHealth(root),
    workloadName: controllerName(metadata),
    source: reading.ref,
  };
}

/** What a Pod and the template of one have in common. */
export function templateWorkload(
  reading: Reading,
  metadata: Field,
  spec: Field,
  nodeLocality: Locality | undefined,
  { clusterId, network: defaultNetwork }: Surroundings,
): Omit<Workload, "name" | "addresses" | "health" | "workloadName" | "source"> {
  const own = metadata.at("labels").labels();
  const locality = localityOfLabels(own) ?? nodeLocality ?? NO_LOCALITY;
  const network = own["topology.istio.io/network"] || defaultNetwork;
  const nodeName = spec.at("nodeName").nonEmptyText();
  const subdomain = spec.at("subdomain").nonEmptyText();
  const hostname = subdomain ? (spec.at("hostname").nonEmptyText() ?? metadata.at("name").text()) : undefined;
  return {
    namespace: reading.namespace,
    labels: instanceLabels(own, { clusterId, locality, network, ...(nodeName && { nodeName }) }),
    // Where none is named, the API server fills in `default`.
    serviceAccount:
      spec.at("serviceAccountName").nonEmptyText() ?? spec.at("serviceAccount").nonEmptyText() ?? "default",
    locality,
    network,
    clusterId,
    tlsMode: podTlsMode(own),
    ports: containerPorts(spec),
    ...(nodeName && { nodeName }),
    ...(hostname && { hostname }),
    ...(subdomain && { subdomain }),
  };
}

/** Only the label tells that a proxy is there; injection sets it. */
function podTlsMode(labels: Labels): "istio" | "disabled" {
  return labels["security.istio.io/tlsMode"] === "istio" ? "istio" : "disabled";
}

/** Ready by its condition; a Pod whose status lists no conditions (written by hand) counts as ready. */
function podHealth(pod: Field): HealthStatus {
  if (pod.at("metadata").at("deletionTimestamp").value !== undefined) return "terminating";
  const conditions = pod.at("status").at("conditions");
  if (conditions.value === undefined) return "healthy";
  const ready = conditions.items().find((condition) => condition.at("type").text() === "Ready");
  return ready?.at("status").text() === "True" ? "healthy" : "unhealthy";
}

/** Named TCP ports of the containers, and of init containers that keep running (native sidecars). The first of a name wins. */
function containerPorts(spec: Field): Readonly<Record<string, number>> {
  const running = [
    ...spec.at("containers").items(),
    ...spec
      .at("initContainers")
      .items()
      .filter((container) => container.at("restartPolicy").text() === "Always"),
  ];
  const ports = new Map<string, number>();
  for (const container of running)
    for (const port of container.at("ports").items()) {
      const name = port.at("name").nonEmptyText();
      const number = port.at("containerPort").port();
      if (name && number && !ports.has(name) && (port.at("protocol").text() ?? "TCP") === "TCP")
        ports.set(name, number);
    }
  return Object.fromEntries(ports);
}
