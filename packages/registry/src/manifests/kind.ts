import type { KubernetesObject } from "./object.ts";

/** The kinds read here, each with the API group it must be of (a Knative Service is not a Service). */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["Service", ""],
  ["Pod", ""],
  ["Namespace", ""],
  ["Node", ""],
  ["Endpoints", ""],
  ["EndpointSlice", "discovery.k8s.io"],
  ["Deployment", "apps"],
  ["StatefulSet", "apps"],
  ["DaemonSet", "apps"],
  ["ReplicaSet", "apps"],
]);

/** The object's kind if it is one that is read here. */
export function readKind(object: KubernetesObject | undefined): string | undefined {
  if (object === undefined || typeof object.kind !== "string" || typeof object.apiVersion !== "string")
    return undefined;
  const slash = object.apiVersion.indexOf("/");
  return GROUPS.get(object.kind) === object.apiVersion.slice(0, Math.max(slash, 0)) ? object.kind : undefined;
}
