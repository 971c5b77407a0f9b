import type { Reader } from "@fairlead/mesh";
import type { Endpoint, Labels } from "@fairlead/model";
import type { HealthStatus as EnvoyHealth, LbEndpoint, Metadata, Struct } from "../../proto/types.ts";
import { isIPv6, listenAddress } from "../listener/address.ts";
import { addressFamilyOf } from "../listener/node-settings.ts";
import { healthOf } from "./health.ts";

/** Chooses mesh mTLS among a cluster's transport sockets. Shared: nobody changes it. */
const TAKES_MUTUAL_TLS: Struct = { tlsMode: "istio" };

const ENVOY_HEALTH: Readonly<Record<string, EnvoyHealth>> = { unhealthy: "UNHEALTHY", draining: "DRAINING" };

/** An endpoint as Envoy gets it. Healthy is Envoy's default and is not said. */
export function lbEndpoint(read: Reader, endpoint: Endpoint, port: number, mutualTls: boolean): LbEndpoint {
  const [first = "", ...others] = reachable(read, endpoint.addresses);
  const health = ENVOY_HEALTH[healthOf(endpoint)];
  const address = listenAddress(first, port);
  return {
    endpoint:
      others.length > 0
        ? { address, additionalAddresses: others.map((other) => ({ address: listenAddress(other, port) })) }
        : { address },
    ...(health ? { healthStatus: health } : {}),
    loadBalancingWeight: endpoint.weight || 1,
    metadata: endpointMetadata(endpoint, mutualTls),
  };
}

/** Of several addresses those that the proxy can dial: all of them (Happy Eyeballs) only when it has both families. */
function reachable(read: Reader, addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const family = addressFamilyOf(read);
  if (family === "Dual") return addresses;
  const usable = addresses.filter((address) => isIPv6(address) === (family === "IPv6"));
  return (usable.length > 0 ? usable : addresses).slice(0, 1);
}

const NAME_LABELS = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
const REVISION_LABELS = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

function firstLabel(labels: Labels, keys: readonly string[]): string | undefined {
  for (const key of keys) if (labels[key] !== undefined) return labels[key];
  return undefined;
}

/** Workload, namespace, canonical service and revision, cluster: what telemetry shows when the server has no proxy. */
export function endpointMetadata(
  {
    labels,
    workloadName = "",
    namespace,
    clusterId,
  }: Pick<Endpoint, "labels" | "workloadName" | "namespace" | "clusterId">,
  mutualTls: boolean,
): Metadata {
  const revision = firstLabel(labels, REVISION_LABELS) ?? "";
  const name = firstLabel(labels, NAME_LABELS) ?? workloadName;
  const workload = `${workloadName};${namespace};${name};${revision === "latest" ? "" : revision};${clusterId}`;
  return {
    filterMetadata: {
      ...(mutualTls ? { "envoy.transport_socket_match": TAKES_MUTUAL_TLS } : {}),
      istio: { workload },
    },
  };
}
