import { type KubernetesClient, type KubernetesObject, listWatch, RESOURCES } from "@fairlead/kubernetes";
import { objectKey, structurallyEqual } from "@fairlead/model";
import type { NodeImpersonationOptions, PodFacts } from "../grpc/node-impersonation.ts";

/** The pods of a cluster as they are now: `pods` of a `nodeImpersonation`. Whoever asks for it closes it. */
export interface KubernetesPods {
  /** The first list is there; until then no pod is known. */
  readonly ready: Promise<void>;
  readonly pods: NodeImpersonationOptions["pods"];
  close(): void;
}

/** Follows the pods of a cluster; needs `list` and `watch` on them. The client stays the caller's to close. */
export function kubernetesPods(client: KubernetesClient): KubernetesPods {
  const equal = (a: KubernetesObject, b: KubernetesObject) => structurallyEqual(factsOf(a), factsOf(b));
  const watched = listWatch(client, RESOURCES.pods, { equal });
  const byNode = new Map<string, Map<string, PodFacts>>();
  watched.subscribe((changes) => {
    for (const { key, value, previous } of changes) {
      if (previous) {
        const { node } = factsOf(previous);
        const there = byNode.get(node);
        there?.delete(key);
        if (there?.size === 0) byNode.delete(node);
      }
      if (!value) continue;
      const facts = factsOf(value);
      const there = byNode.get(facts.node) ?? new Map<string, PodFacts>();
      byNode.set(facts.node, there.set(key, facts));
    }
  });
  const found = {
    get(namespace: string, name: string) {
      const pod = watched.get(objectKey({ kind: RESOURCES.pods.kind, namespace, name }));
      return pod && factsOf(pod);
    },
    onNode: (node: string) => byNode.get(node)?.values() ?? [],
  };
  return { ready: watched.ready, pods: () => found, close: () => watched.close() };
}

function factsOf({ metadata, spec, status }: KubernetesObject): PodFacts {
  const { serviceAccountName = "default", nodeName = "" } = (spec ?? {}) as {
    readonly serviceAccountName?: string;
    readonly nodeName?: string;
  };
  const { phase = "Unknown" } = (status ?? {}) as { readonly phase?: string };
  const { name, namespace = "", uid = "" } = metadata;
  return { namespace, name, uid, serviceAccount: serviceAccountName, node: nodeName, phase };
}
