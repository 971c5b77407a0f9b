import type { Mesh } from "@fairlead/mesh";
import { matchesLabels, type ProxyNode, parseNode, type Workload } from "@fairlead/model";
import { SimulatorError } from "../error.ts";
import { GATEWAY_SERVICE, homeOf } from "./gateway-deployment.ts";
import { knownNames } from "./nearest.ts";

/** An address that no workload has, for those that have none in the files (Deployments without Pods). RFC 5737. */
export const UNKNOWN_ADDRESS = "192.0.2.1";

const nodes = new WeakMap<Mesh, WeakMap<Workload, ProxyNode>>();

/** The proxy beside a workload; one object for one mesh and workload. */
export function nodeOf(mesh: Mesh, workload: Workload): ProxyNode {
  let byWorkload = nodes.get(mesh);
  if (byWorkload === undefined) {
    byWorkload = new WeakMap();
    nodes.set(mesh, byWorkload);
  }
  let node = byWorkload.get(workload);
  if (node === undefined) {
    node = makeNode(mesh, workload);
    byWorkload.set(workload, node);
  }
  return node;
}

/** The proxy beside a workload: a gateway when a Gateway of the mesh selects it, or names a Service that it is behind, else a sidecar. */
function makeNode(mesh: Mesh, workload: Workload): ProxyNode {
  const { name, namespace, labels, serviceAccount, clusterId, network, workloadName, locality } = workload;
  const { node, diagnostics } = parseNode({
    id: `${isGateway(mesh, workload) ? "router" : "sidecar"}~${workload.addresses[0] ?? UNKNOWN_ADDRESS}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      NAMESPACE: namespace,
      LABELS: labels,
      SERVICE_ACCOUNT: serviceAccount,
      CLUSTER_ID: clusterId,
      NETWORK: network,
      WORKLOAD_NAME: workloadName,
      ...(workload.addresses.length > 0 && { INSTANCE_IPS: workload.addresses.join(",") }),
    },
    locality: { region: locality.region, zone: locality.zone, subZone: locality.subzone },
  });
  if (node) return node;
  throw new SimulatorError("unknown-workload", diagnostics.map(({ message }) => message).join("; "));
}

function isGateway(mesh: Mesh, { labels, namespace }: Workload): boolean {
  for (const { metadata, spec } of mesh.objects("Gateway")) {
    const selector = spec.selector ?? {};
    if (Object.keys(selector).length > 0 && matchesLabels(selector, labels)) return true;
    const hostnames = metadata.annotations[GATEWAY_SERVICE]?.split(",") ?? [];
    if (hostnames.length === 0 || homeOf(metadata) !== namespace) continue;
    for (const hostname of hostnames) {
      const behind = mesh.bucket("host", hostname)?.find((one) => one.namespace === namespace)?.selector ?? {};
      if (Object.keys(behind).length > 0 && matchesLabels(behind, labels)) return true;
    }
  }
  return false;
}

const found = new WeakMap<Mesh, Map<string, ProxyNode>>();

/** The proxy of `WORKLOAD.NAMESPACE`, see {@link searchNode}; one object for one mesh and name. */
export function findNode(mesh: Mesh, from: string): ProxyNode {
  let byName = found.get(mesh);
  if (byName === undefined) {
    byName = new Map();
    found.set(mesh, byName);
  }
  let node = byName.get(from);
  if (node === undefined) {
    node = searchNode(mesh, from);
    byName.set(from, node);
  }
  return node;
}

/** Finds the proxy of `WORKLOAD.NAMESPACE` by the workload's name, its controller's name, or its `app` label. */
function searchNode(mesh: Mesh, from: string): ProxyNode {
  const dot = from.lastIndexOf(".");
  const name = dot < 0 ? from : from.slice(0, dot);
  const namespace = dot < 0 ? "default" : from.slice(dot + 1);
  const workloads = mesh.bucket("workloads", namespace) ?? [];
  const by = (has: (workload: Workload) => boolean) => workloads.find(has);
  const workload =
    by((workload) => workload.name === name) ??
    by((workload) => workload.workloadName === name) ??
    by(({ labels }) => labels.app === name || labels["app.kubernetes.io/name"] === name) ??
    by(({ labels }) => labels["service.istio.io/canonical-name"] === name);
  if (workload) return nodeOf(mesh, workload);
  const known = [...mesh.workloads()].flatMap((workload) => [
    `${workload.workloadName}.${workload.namespace}`,
    ...(workload.labels.app ? [`${workload.labels.app}.${workload.namespace}`] : []),
  ]);
  throw new SimulatorError(
    "unknown-workload",
    `there is no workload ${name} in namespace ${namespace}; ${knownNames(`${name}.${namespace}`, known)}`,
  );
}
