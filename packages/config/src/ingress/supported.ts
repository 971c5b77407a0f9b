import type { MeshConfig } from "../kinds/mesh-config/schema.ts";
import type { Ingress, IngressClass } from "./resource.ts";

const CONTROLLER = "istio.io/ingress-controller";
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

/**
 * Whether the Ingress is Istio's to serve. Its class annotation decides first, then the controller of its IngressClass, and
 * without either the mesh's `ingressControllerMode` (STRICT: no, DEFAULT: yes). OFF turns annotated and classless ones off;
 * as in Istio, not those of an IngressClass of Istio's.
 */
export function isSupported(
  { metadata, spec }: Ingress,
  classes: ReadonlyMap<string, IngressClass>,
  { ingressControllerMode: mode, ingressClass }: MeshConfig,
): boolean {
  const annotated = metadata.annotations[CLASS_ANNOTATION];
  if (annotated !== undefined) return (mode === "STRICT" || mode === "DEFAULT") && annotated === (ingressClass ?? "");
  const named = spec.ingressClassName === undefined ? undefined : classes.get(spec.ingressClassName);
  if (named) return named.spec.controller === CONTROLLER;
  return mode === "DEFAULT";
}
