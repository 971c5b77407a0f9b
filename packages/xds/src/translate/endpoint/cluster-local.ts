import { meshConfigOf, type Reader } from "@fairlead/mesh";
import { type Endpoint, mostSpecificHost, type Service } from "@fairlead/model";

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

export function clusterFilter(
  read: Reader,
  service: Pick<Service, "hostname">,
): (endpoint: Pick<Endpoint, "clusterId">) => boolean {
  if (!isClusterLocal(read, service)) return () => true;
  const own = read.fact("cluster", (node) => node.clusterId);
  return ({ clusterId }) => clusterId === own;
}
