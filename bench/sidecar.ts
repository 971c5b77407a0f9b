import type { MeshSource, NodeResources } from "@fairlead/xds";

const TYPES = [
  "cluster.v3.Cluster",
  "endpoint.v3.ClusterLoadAssignment",
  "listener.v3.Listener",
  "route.v3.RouteConfiguration",
];

/** A sidecar of a namespace and zone, as when its stream has opened; it serves nothing itself. */
export function openSidecar(source: MeshSource, namespace: string, zone: string): NodeResources {
  const node = {
    id: `sidecar~172.16.0.1~client.${namespace}~${namespace}.svc.cluster.local`,
    locality: { region: "region1", zone },
    metadata: { NAMESPACE: namespace, CLUSTER_ID: "Kubernetes", LABELS: { app: "client" } },
  };
  const peer = {
    address: "127.0.0.1:1",
    transport: "plaintext",
    certificate: undefined,
    identities: [],
    metadata: () => [],
  } as const;
  return source.open(node, peer, () => {});
}

const setsOf = (opened: NodeResources) =>
  TYPES.flatMap((type) => opened.get(`type.googleapis.com/envoy.config.${type}`)?.resources ?? []);

/** Makes everything that a sidecar is sent: all four types, translated and encoded. Gives how many resources. */
export function everything(opened: NodeResources): number {
  return setsOf(opened).reduce((sum, { size }) => sum + size, 0);
}

/** How many bytes that is. */
export function bytesOf(opened: NodeResources): number {
  return setsOf(opened)
    .flatMap((resources) => [...resources.values()])
    .reduce((sum, { bytes }) => sum + bytes.length, 0);
}
