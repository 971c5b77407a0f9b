import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { nodeOf } from "../mesh/node.ts";

/** The proxies of all workloads. */
export function allNodes(...meshes: readonly Mesh[]): readonly ProxyNode[] {
  const nodes = new Map<string, ProxyNode>();
  for (const mesh of meshes)
    for (const workload of mesh.workloads()) {
      if (workload.tlsMode !== "istio") continue;
      const node = nodeOf(mesh, workload);
      nodes.set(node.id, node);
    }
  return [...nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Replicas of one workload are looked at once. */
export function groupAlike(nodes: readonly ProxyNode[]): readonly (readonly ProxyNode[])[] {
  const groups = new Map<string, ProxyNode[]>();
  for (const node of nodes) {
    const { type, namespace, labels, serviceAccount, clusterId, network, locality } = node;
    const key = JSON.stringify([type, namespace, labels, serviceAccount, clusterId, network, locality]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()];
}
