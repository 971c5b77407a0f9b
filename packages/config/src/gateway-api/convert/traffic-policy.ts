import { formatDuration, parseDuration } from "../../common/duration.ts";
import type { RetryBudget } from "../../kinds/destination-rule/schema.ts";
import type { SectionTarget } from "../kinds/backend-policy.ts";
import type { GatewayApiObject } from "../kinds.ts";
import type { PolicyContext, PolicyPart } from "./backend-policy.ts";
import type { Problem } from "./condition.ts";
import { CONTROLLER } from "./gateway-class.ts";
import { join } from "./instances.ts";
import { ancestorStatus, type ConvertedPolicy, ignoredPolicy, isIgnored, targetRef, VALID } from "./policy-status.ts";
import { targetOf } from "./policy-target.ts";
import type { GatewayApiWorld } from "./world.ts";

/** Source: Gateway API `XBackendTrafficPolicy` (experimental). */
export function convertTrafficPolicy(
  { world }: PolicyContext,
  policy: GatewayApiObject<"XBackendTrafficPolicy">,
): ConvertedPolicy {
  if (isIgnored(policy)) return ignoredPolicy(policy, policy.spec.targetRefs);
  const { namespace } = policy.metadata;
  const { retryConstraint, sessionPersistence, targetRefs } = policy.spec;
  const unsupported = sessionPersistence ? ["sessionPersistence"] : [];
  const message =
    unsupported.length > 0 ? `${VALID}, but Istio does not support the following fields: ${join(unsupported)}` : VALID;
  const parts: PolicyPart[] = [];
  let problem: Problem | undefined;
  const ancestors = targetRefs.map((target) => {
    const found =
      target.kind === "Service" ? targetOf(world, target, namespace) : unsupportedTarget(world, target, namespace);
    if (typeof found === "string") problem = { reason: "TargetNotFound", message: `targetRefs invalid: ${found}` };
    else
      for (const host of found.hosts)
        parts.push({
          source: policy,
          target: { kind: "Service", name: target.name, namespace },
          host,
          ports: found.ports,
          retryBudget: retryConstraint && budgetOf(retryConstraint),
        });
    return {
      ref: targetRef(target),
      controller: CONTROLLER.waypoint,
      aspects: { Accepted: { reason: "Accepted", message, problem } },
    };
  });
  return { parts, status: { object: policy, status: ancestorStatus(policy, ancestors) } };
}

function unsupportedTarget(world: GatewayApiWorld, target: SectionTarget, namespace: string): string {
  const found = targetOf(world, target, namespace);
  return typeof found === "string" ? found : `unsupported reference kind: ${target.kind}`;
}

function budgetOf({
  budget,
  minRetryRate,
}: NonNullable<GatewayApiObject<"XBackendTrafficPolicy">["spec"]["retryConstraint"]>): RetryBudget {
  const interval = parseDuration(budget?.interval ?? "10s") ?? 10_000;
  return {
    percent: budget?.percent ?? 20,
    budgetInterval: formatDuration(interval),
    minRetryConcurrency: minRetryRate?.count ?? 10,
  };
}
