import { type ConfigObject, refOf } from "@fairlead/config";
import type { HealthStatus, Workload } from "@fairlead/model";
import type { Placement } from "../instance-labels.ts";
import { instance } from "./endpoint.ts";

/** The workload that a WorkloadEntry stands for. Labels of the metadata win over those of the spec. */
export function entryWorkload(entry: ConfigObject<"WorkloadEntry">, placement: Placement): Workload {
  const { metadata } = entry;
  const labels = { ...entry.spec.labels, ...metadata.labels };
  return {
    ...instance({ ...entry.spec, labels }, placement),
    name: metadata.name,
    namespace: metadata.namespace,
    health: entryHealth(entry),
    ports: entry.spec.ports ?? {},
    workloadName:
      entry.metadata.annotations["istio.io/autoRegistrationGroup"] ??
      labels["service.istio.io/workload-name"] ??
      metadata.name,
    source: refOf(entry),
  };
}

/** With health checks on, unhealthy until the `Healthy` condition says otherwise. Source: Istio `serviceentry.isHealthy`. */
function entryHealth(entry: ConfigObject): HealthStatus {
  const checked = entry.metadata.annotations["proxy.istio.io/health-checks-enabled"];
  if (checked === undefined || !/^(1|t|true)$/i.test(checked)) return "healthy";
  const conditions = (entry.status as { readonly conditions?: unknown } | undefined)?.conditions;
  const healthy = Array.isArray(conditions)
    ? conditions.find((condition: { readonly type?: unknown } | null) => condition?.type === "Healthy")
    : undefined;
  return (healthy as { readonly status?: unknown } | undefined)?.status === "True" ? "healthy" : "unhealthy";
}
