import type { KubernetesClient, KubernetesObject, ResourceType } from "@fairlead/kubernetes";
import { structurallyEqual } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import { toKubernetes } from "../print.ts";
import type { PlannedWrite } from "../stores/write-plan.ts";

/**
 * Writes one object, and only over `raw`, the version that the plan was made from. Resolves with what the server now
 * holds; undefined after a deletion. Rejects with KubernetesError.
 */
export async function writeObject(
  client: KubernetesClient,
  type: ResourceType,
  { ref, before, after }: PlannedWrite,
  raw: KubernetesObject | undefined,
): Promise<KubernetesObject | undefined> {
  const scope = { namespace: ref.namespace };
  if (after === undefined) {
    const resourceVersion = raw?.metadata.resourceVersion;
    await client.delete(type, ref.name, { ...scope, ...(resourceVersion !== undefined && { resourceVersion }) });
    return undefined;
  }
  const { spec } = toKubernetes(after);
  const { name, namespace, labels, annotations } = after.metadata;
  if (raw === undefined)
    return client.create(type, { metadata: { name, namespace, labels, annotations }, spec }, scope);
  const old = before?.object;
  const sameStatus = structurallyEqual(old?.status, after.status);
  const sameRest =
    structurallyEqual(old?.spec, after.spec) &&
    structurallyEqual(old?.metadata.labels, labels) &&
    structurallyEqual(old?.metadata.annotations, annotations);
  if (sameStatus)
    return client.replace(type, { ...raw, metadata: { ...raw.metadata, labels, annotations }, spec }, scope);
  if (!sameRest)
    throw new ConfigError("UNSUPPORTED", "a Kubernetes API server writes an object and its status one after the other");
  return client.replace(type, { ...raw, status: after.status }, { ...scope, subresource: "status" });
}

/** Whether the watch has seen what was written (undefined: its deletion), or something newer. */
export function hasArrived(seen: KubernetesObject | undefined, written: KubernetesObject | undefined): boolean {
  if (written === undefined) return seen === undefined || Boolean(seen.metadata.deletionTimestamp);
  if (seen === undefined) return false;
  return BigInt(seen.metadata.resourceVersion ?? 0) >= BigInt(written.metadata.resourceVersion ?? 0);
}
