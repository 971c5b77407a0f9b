import type { Field } from "./field.ts";

/**
 * The name of what controls a Pod, as telemetry shows it: the label `service.istio.io/workload-name`, else the controller
 * that generated the Pod's name (a Deployment for a ReplicaSet named after the template's hash, a CronJob for a Job
 * named after a time), else the Pod's own. Source: Istio `kube.GetDeployMetaFromPod`.
 */
export function controllerName(metadata: Field): string {
  const labels = metadata.at("labels").labels();
  const own = metadata.at("name").text() ?? "";
  const override = labels["service.istio.io/workload-name"];
  if (override !== undefined) return override;
  if (!metadata.at("generateName").nonEmptyText()) return own;
  const controller = metadata
    .at("ownerReferences")
    .items()
    .find((owner) => owner.at("controller").value === true);
  const name = controller?.at("name").nonEmptyText();
  if (controller === undefined || name === undefined) return own;
  const kind = controller.at("kind").text();
  if (kind === "ReplicaSet") {
    const hash = [labels["pod-template-hash"], labels["rollouts-pod-template-hash"]].find(
      (candidate) => candidate && name.endsWith(`-${candidate}`),
    );
    return hash ? name.slice(0, -hash.length - 1) : name;
  }
  if (kind === "ReplicationController") return labels.deploymentconfig || name;
  if (kind === "Job") return /^(.+)-\d{8,10}$/.exec(name)?.[1] ?? name;
  return name;
}
