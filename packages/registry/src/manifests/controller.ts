import type { Labels, Workload } from "@fairlead/model";
import { labelSelectorMatches } from "./label-selector.ts";
import type { Surroundings } from "./options.ts";
import { templateWorkload } from "./pod.ts";
import type { Reading } from "./reading.ts";

/** Kinds that run Pods of a template. */
export const CONTROLLER_KINDS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

/**
 * The workload that a controller's Pods would be: labels and ports of the template, no address. Undefined when the input
 * has a Pod of it, or another object there controls it in turn (the Deployment of a ReplicaSet).
 */
export function controllerWorkload(
  reading: Reading,
  podLabels: Iterable<Labels>,
  hasObject: (kind: string, namespace: string, name: string) => boolean,
  surroundings: Surroundings,
): Workload | undefined {
  const { root, name, namespace } = reading;
  const metadata = root.at("metadata");
  for (const owner of metadata.at("ownerReferences").items()) {
    const kind = owner.at("kind").text() ?? "";
    if (CONTROLLER_KINDS.has(kind) && hasObject(kind, namespace, owner.at("name").text() ?? "")) return undefined;
  }
  const spec = root.at("spec");
  const selector = spec.at("selector");
  for (const labels of podLabels) if (labelSelectorMatches(selector, labels)) return undefined;
  const template = spec.at("template");
  const pod = templateWorkload(reading, template.at("metadata"), template.at("spec"), undefined, surroundings);
  return {
    ...pod,
    name,
    addresses: [],
    health: "healthy",
    workloadName: pod.labels["service.istio.io/workload-name"] ?? name,
    source: reading.ref,
  };
}
