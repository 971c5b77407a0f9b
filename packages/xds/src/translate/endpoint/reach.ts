import { meshConfigOf, type Reader } from "@fairlead/mesh";
import { type Endpoint, mostSpecificHost, type Service } from "@fairlead/model";
import { networkOf } from "./network-gateways.ts";

/** What is local to each cluster without being told so. */
const ALWAYS_LOCAL = ["kubernetes.default.svc.cluster.local", "*.kube-system.svc.cluster.local"];

/** Whether clients use only endpoints of their own cluster. Source: Istio API, `MeshConfig.ServiceSettings`. */
function isClusterLocal(read: Reader, { hostname }: Pick<Service, "hostname">): boolean {
  const settings = meshConfigOf(read).serviceSettings ?? [];
  const byHost = new Map<string, boolean>(ALWAYS_LOCAL.map((host) => [host, true]));
  for (const { hosts, settings: flags } of settings)
    for (const host of hosts ?? []) byHost.set(host, flags?.clusterLocal ?? false);
  const host = mostSpecificHost(hostname, byHost.keys());
  return host !== undefined && byHost.get(host) === true;
}

/**
 * The networks whose endpoints the node asks for (`REQUESTED_NETWORK_VIEW`, separated by commas); undefined: all. Source:
 * Istio `ProxyView`.
 */
function networkView(read: Reader): ReadonlySet<string> | undefined {
  const view = read.fact("network view", ({ metadata: { REQUESTED_NETWORK_VIEW: view } }) =>
    Array.isArray(view) ? view.join() : typeof view === "string" ? view : "",
  );
  return view === "" ? undefined : new Set(view.split(",").map((name) => name.trim()));
}

/**
 * Which endpoints of a service the node may use: of the networks that it asks for, those of its own cluster for what is local to clusters, those of its own
 * node (`NODE_NAME`; of none where the proxy does not say) for what is local to nodes. Source: Istio
 * `EndpointBuilder.filterIstioEndpoint`.
 */
export function reachFilter(
  read: Reader,
  service: Pick<Service, "hostname" | "nodeLocal">,
): (endpoint: Pick<Endpoint, "addresses" | "clusterId" | "network" | "nodeName">) => boolean {
  const view = networkView(read);
  const near = proximity(read, service);
  if (view === undefined) return near;
  const isSeen = (network: string) => network === "" || view.has(network);
  return (endpoint) => near(endpoint) && isSeen(networkOf(read, endpoint));
}

function proximity(
  read: Reader,
  service: Pick<Service, "hostname" | "nodeLocal">,
): (endpoint: Pick<Endpoint, "clusterId" | "nodeName">) => boolean {
  const { nodeLocal = false } = service;
  if (!nodeLocal && !isClusterLocal(read, service)) return () => true;
  const own = read.fact("cluster", (node) => node.clusterId);
  if (!nodeLocal) return ({ clusterId }) => clusterId === own;
  const name = read.fact("node name", ({ metadata }) => String(metadata.NODE_NAME ?? ""));
  return ({ clusterId, nodeName = "" }) => clusterId === own && nodeName === name;
}
