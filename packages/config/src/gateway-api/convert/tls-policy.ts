import type { ClientTls } from "../../kinds/destination-rule/client-tls.ts";
import type { SectionTarget } from "../kinds/backend-policy.ts";
import { GATEWAY_API_GROUP, type GatewayApiObject } from "../kinds.ts";
import type { PolicyContext, PolicyPart } from "./backend-policy.ts";
import { rootsOf, subjectAltNames, tlsAspects } from "./backend-roots.ts";
import { CONTROLLER } from "./gateway-class.ts";
import { byAge, compare } from "./order.ts";
import { ancestorStatus, type ConvertedPolicy, ignoredPolicy, isIgnored, targetRef } from "./policy-status.ts";
import { targetOf } from "./policy-target.ts";

/** Source: Gateway API `BackendTLSPolicy`. */
export function convertTlsPolicy(
  context: PolicyContext,
  policy: GatewayApiObject<"BackendTLSPolicy">,
  all: readonly GatewayApiObject<"BackendTLSPolicy">[],
): ConvertedPolicy {
  if (isIgnored(policy)) return ignoredPolicy(policy, policy.spec.targetRefs);
  const { namespace } = policy.metadata;
  const { validation } = policy.spec;
  const roots = rootsOf(context.world, validation, namespace);
  const tls: ClientTls = {
    mode: "SIMPLE",
    sni: validation.hostname,
    ...subjectAltNames(validation),
    ...(roots.credentialName && { credentialName: roots.credentialName }),
  };
  const parts: PolicyPart[] = [];
  const gateways = new Set<string>();
  // A target's problem is told of the targets after it too, unless they have one of their own: as Istio does.
  let problem = roots.accepted;
  const ancestors = policy.spec.targetRefs.map((target) => {
    const found = targetOf(context.world, target, namespace);
    const conflict = typeof found === "string" ? undefined : betterPolicy(policy, target, all);
    if (typeof found === "string") problem = { reason: "TargetNotFound", message: `targetRefs invalid: ${found}` };
    else {
      if (conflict)
        problem = {
          reason: "Conflicted",
          message: `Conflicts with BackendTLSPolicy "${conflict}" targeting the same backend`,
        };
      else
        for (const host of found.hosts)
          parts.push({
            source: policy,
            target: { kind: target.kind, name: target.name, namespace },
            host,
            port: target.sectionName,
            ports: found.ports,
            tls,
          });
      for (const gateway of context.gatewaysBefore.get(`${target.kind}/${namespace}/${target.name}`) ?? [])
        gateways.add(gateway);
    }
    return { ref: targetRef(target), controller: CONTROLLER.waypoint, aspects: tlsAspects(roots, problem) };
  });
  const before = [...gateways].sort(compare).map((gateway) => ({
    ref: { group: GATEWAY_API_GROUP, kind: "Gateway", name: gateway.slice(gateway.indexOf("/") + 1) },
    controller: CONTROLLER.gateway,
    aspects: tlsAspects(roots, problem),
  }));
  return { parts, status: { object: policy, status: ancestorStatus(policy, [...ancestors, ...before]) } };
}

/** The name of a policy that goes before this one for the same target: an older one, of equal age the first by name. */
function betterPolicy(
  policy: GatewayApiObject<"BackendTLSPolicy">,
  target: SectionTarget,
  all: readonly GatewayApiObject<"BackendTLSPolicy">[],
): string | undefined {
  const same = (other: SectionTarget) =>
    other.group === target.group &&
    other.kind === target.kind &&
    other.name === target.name &&
    other.sectionName === target.sectionName;
  return all.find(
    (other) =>
      // By UID, as Istio tells them apart: objects that no API server has given one do not conflict.
      other.metadata.uid !== policy.metadata.uid &&
      !isIgnored(other) &&
      other.metadata.namespace === policy.metadata.namespace &&
      other.spec.targetRefs.some(same) &&
      byAge(other, policy) < 0,
  )?.metadata.name;
}
