import { at, type Json, labels, record, records, text } from "./json.ts";
import type { Resource } from "./resource.ts";
import type { World } from "./world.ts";

/** The proxy's container, and Istio's own that may run as its user. */
export const PROXY_CONTAINER = "istio-proxy";

export function containersOf(podSpec: Json): readonly Json[] {
  return [...records(podSpec.containers), ...records(podSpec.initContainers)];
}

export function isAmbientPod({ annotations }: Resource): boolean {
  return annotations["ambient.istio.io/redirection"] === "enabled";
}

export function isAmbientNamespace(world: World, name: string): boolean {
  const own = world.find("Namespace", "", name)?.labels ?? {};
  if (own["istio-injection"] === "enabled" || own["istio.io/rev"]) return false;
  return own["istio.io/dataplane-mode"] === "ambient";
}

/** Whether a Pod, or the Pods of a Deployment, have or get a sidecar. */
export function isInMesh(world: World, resource: Resource): boolean {
  const template = resource.ref.kind === "Pod" ? undefined : record(resource.spec.template);
  const podSpec = template ? record(template.spec) : resource.spec;
  const own = template ? labels(at(template, "metadata", "labels")) : resource.labels;
  const notes = template ? labels(at(template, "metadata", "annotations")) : resource.annotations;
  if (containersOf(podSpec).some(({ name, image }) => name === PROXY_CONTAINER && text(image) !== "")) return true;
  const wish = own["sidecar.istio.io/inject"] ?? notes["sidecar.istio.io/inject"];
  if (wish !== undefined) return wish === "true";
  return world.find("Namespace", "", resource.ref.namespace)?.labels["istio-injection"] === "enabled";
}

/** Istio's own components, which may do what applications may not. */
export function isControlPlane({ labels: own }: Resource): boolean {
  return own.istio !== undefined || own.release === "istio";
}

/** Whether a Pod says of itself that it gets no sidecar, or cannot have one. */
export function isExempt({ labels: own, annotations, spec }: Resource): boolean {
  const wish = own["sidecar.istio.io/inject"] ?? annotations["sidecar.istio.io/inject"] ?? "";
  return wish.toLowerCase() === "false" || spec.hostNetwork === true;
}
