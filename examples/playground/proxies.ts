import type { Mesh } from "@fairlead/mesh";
import { matchesLabels, type ProxyNode, parseNode, type Workload } from "@fairlead/model";

/** The proxies of a mesh by name: a sidecar beside each workload, or a gateway where a Gateway selects it. */
export function proxiesOf(mesh: Mesh): ReadonlyMap<string, ProxyNode> {
  const gateways = [...mesh.objects("Gateway")].flatMap(({ spec }) => (spec.selector ? [spec.selector] : []));
  const proxies = new Map<string, ProxyNode>();
  for (const workload of mesh.workloads()) {
    const type = gateways.some((selector) => matchesLabels(selector, workload.labels)) ? "router" : "sidecar";
    const { node } = parseNode(nodeJson(workload, type));
    if (node) proxies.set(`${workload.name}.${workload.namespace}`, node);
  }
  return proxies;
}

function nodeJson({ name, namespace, addresses, labels, serviceAccount, clusterId }: Workload, type: string) {
  return {
    id: `${type}~${addresses[0] ?? "192.0.2.1"}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: { NAMESPACE: namespace, LABELS: labels, SERVICE_ACCOUNT: serviceAccount, CLUSTER_ID: clusterId },
  };
}
