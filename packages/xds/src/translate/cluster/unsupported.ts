import type { Subset, TrafficPolicy } from "@fairlead/config";
import type { EffectiveDestinationRule } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";

type Settings = Pick<TrafficPolicy, "loadBalancer" | "outlierDetection" | "tls">;

/** Fields of a rule that have no effect on the clusters made from it, each said once. */
export function unsupportedFields(rule: EffectiveDestinationRule): readonly Diagnostic[] {
  return rule.objects.flatMap((object) => {
    const { kind, metadata, spec } = object;
    const ref: ObjectRef = { kind, namespace: metadata.namespace, name: metadata.name };
    return [
      ...ofPolicy(spec.trafficPolicy, "spec.trafficPolicy"),
      ...(spec.subsets ?? []).flatMap((subset: Subset, index) =>
        ofPolicy(subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`),
      ),
    ].map(
      ([path, message]) => ({ code: "unsupported-field", severity: "warning", path, message, object: ref }) as const,
    );
  });
}

type Finding = readonly [path: string, message: string];

function ofPolicy(policy: TrafficPolicy | undefined, path: string): readonly Finding[] {
  if (!policy) return [];
  return [
    ...ofSettings(policy, path),
    ...(policy.portLevelSettings ?? []).flatMap((settings, index) =>
      ofSettings(settings, `${path}.portLevelSettings[${index}]`),
    ),
  ];
}

function ofSettings({ loadBalancer, outlierDetection, tls }: Settings, path: string): readonly Finding[] {
  const found: Finding[] = [];
  if (outlierDetection?.consecutiveErrors)
    found.push([
      `${path}.outlierDetection.consecutiveErrors`,
      "is deprecated and has no effect: use consecutive5xxErrors or consecutiveGatewayErrors",
    ]);
  const { warmup, warmupDurationSecs, simple, consistentHash, backendUtilization } = loadBalancer ?? {};
  const ramps = !consistentHash && !backendUtilization && simple !== "RANDOM" && simple !== "PASSTHROUGH";
  if ((warmup || warmupDurationSecs) && !ramps)
    found.push([
      `${path}.loadBalancer.${warmup ? "warmup" : "warmupDurationSecs"}`,
      "works with ROUND_ROBIN and LEAST_REQUEST only",
    ]);
  for (const field of ["localityLbSetting", "zoneAwareLbSetting"] as const)
    if (backendUtilization && loadBalancer?.[field])
      found.push([`${path}.loadBalancer.${field}`, "weights of localities have no effect with backendUtilization"]);
  if (tls?.mode === "MUTUAL" && !tls.credentialName && !(tls.clientCertificate && tls.privateKey))
    found.push([`${path}.tls`, "MUTUAL needs a credentialName, or clientCertificate and privateKey: no TLS is used"]);
  return found;
}
