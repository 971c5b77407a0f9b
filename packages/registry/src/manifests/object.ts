import { type Labels, MemoryCollection, objectKey } from "@fairlead/model";

/** A Kubernetes object of any kind, as YAML or the API server gives it. What is in it is not trusted to have the right shape. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubernetesMetadata;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface KubernetesMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** RFC 3339. */
  readonly creationTimestamp?: string | null;
  readonly [field: string]: unknown;
}

const CLUSTER_SCOPED: ReadonlySet<string> = new Set(["Namespace", "Node"]);

/** `default` for a namespaced object that names none; empty for cluster-scoped ones. */
export function objectNamespace(object: Pick<KubernetesObject, "kind" | "metadata">): string {
  return CLUSTER_SCOPED.has(object.kind) ? "" : object.metadata?.namespace || "default";
}

/** `Kind/namespace/name`. */
export function kubernetesObjectKey(object: Pick<KubernetesObject, "kind" | "metadata">): string {
  return objectKey({ kind: object.kind, namespace: objectNamespace(object), name: object.metadata?.name });
}

/**
 * A list of objects as a collection, by {@link kubernetesObjectKey}; of two with one key the later stands. A `List` (as
 * `kubectl get -o yaml` prints) stands for its items.
 */
export function kubernetesObjects(objects: Iterable<KubernetesObject>): MemoryCollection<KubernetesObject> {
  const collection = new MemoryCollection<KubernetesObject>();
  collection.apply(flatten(objects).map((object) => [kubernetesObjectKey(object), object] as const));
  return collection;
}

function flatten(objects: Iterable<KubernetesObject>): readonly KubernetesObject[] {
  return [...objects].flatMap((object) =>
    object.kind === "List" && Array.isArray(object.items) ? flatten(object.items as KubernetesObject[]) : [object],
  );
}
