import type { Cluster } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import type { OutboundInput } from "./outbound.ts";

/** Which part of a policy made which node of a cluster. */
const PARTS = [
  ["loadBalancer", "commonLbConfig"],
  ["outlierDetection", "outlierDetection"],
  ["tls", "transportSocket"],
  ["proxyProtocol", "transportSocket"],
] as const;

/**
 * Says where a cluster came from: the service, or the subset of a rule; and the parts of the policy that stand in a
 * place of their own. Nodes that many clusters share are not marked.
 */
export function tracePolicy(build: Build, cluster: Cluster, { service, rule, subset, port }: OutboundInput): Cluster {
  const from = subset === "" ? undefined : rule?.subsetFrom[subset];
  if (from) build.from(cluster, from.source, from.path);
  else build.from(cluster, service.source);
  if (!rule) return cluster;
  const own = from && {
    source: from.source,
    path: `${from.path}.trafficPolicy`,
    policy: rule.spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy,
  };
  const whole = rule.policyFrom && { ...rule.policyFrom, policy: rule.spec.trafficPolicy };
  for (const place of [own, whole])
    for (const [part, field] of PARTS) {
      const node = cluster[field];
      const index =
        place?.policy?.portLevelSettings?.findIndex((settings) => settings.port?.number === port.number) ?? -1;
      if (!place || !node || (place === whole && own?.policy?.[part])) continue;
      if (index >= 0) build.from(node, place.source, `${place.path}.portLevelSettings[${index}]`);
      else if (place.policy?.[part]) build.from(node, place.source, `${place.path}.${part}`);
    }
  return cluster;
}
