import type { SectionTarget } from "../kinds/backend-policy.ts";
import type { PolicyObject, PolicyPart } from "./backend-policy.ts";
import { type Aspect, conditionsOf } from "./condition.ts";
import { CONTROLLER } from "./gateway-class.ts";
import { type GatewayApiStatus, statusOf } from "./status.ts";

const IGNORE = "istio.io/ignore-policy-attachment";
export const VALID = "Configuration is valid";

export interface ConvertedPolicy {
  readonly parts: readonly PolicyPart[];
  readonly status: GatewayApiStatus;
}

/** Whether its owner has it left to others. */
export function isIgnored({ metadata }: PolicyObject): boolean {
  return metadata.annotations[IGNORE]?.toLowerCase() === "true";
}

export function ignoredPolicy(policy: PolicyObject, targets: readonly SectionTarget[]): ConvertedPolicy {
  const problem = { reason: "IgnoredByIstio", message: `Ignored by Istio due to annotation ${IGNORE}=true` };
  const aspects = { Accepted: { reason: "Accepted", message: VALID, problem } };
  const ancestors = targets.map((target) => ({ ref: targetRef(target), controller: CONTROLLER.waypoint, aspects }));
  return { parts: [], status: { object: policy, status: ancestorStatus(policy, ancestors) } };
}

interface AncestorRef {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
}

export function targetRef({ group, kind, name, sectionName }: SectionTarget): AncestorRef {
  return { group, kind, name, ...(sectionName !== undefined && { sectionName }) };
}

interface Ancestor {
  readonly ref: AncestorRef;
  readonly controller: string;
  readonly aspects: Readonly<Record<string, Aspect>>;
}

/** The names of a policy's fields, and of an XBackend's, which holds the same. */
const FIELDS = {
  policy: { list: "ancestors", ref: "ancestorRef", limit: 16 },
  backend: { list: "parents", ref: "parentRef", limit: 32 },
} as const;

type AncestorStatus = Readonly<Record<string, unknown>>;

/** Those of other controllers stay. Source: Gateway API `PolicyStatus`, `BackendStatus`. */
export function ancestorStatus(
  policy: PolicyObject,
  ancestors: readonly Ancestor[],
): Readonly<Record<string, unknown>> {
  const { list, ref: field, limit } = policy.kind === "XBackend" ? FIELDS.backend : FIELDS.policy;
  const given = statusOf(policy)[list];
  const before = (Array.isArray(given) ? given : []) as readonly AncestorStatus[];
  const key = (ref: unknown) => {
    const { group, kind, namespace = "", name, sectionName = "" } = (ref ?? {}) as Partial<AncestorRef>;
    return [group, kind, namespace, name, sectionName].join("/");
  };
  const now = new Map<string, AncestorStatus>(
    ancestors.map(({ ref, controller, aspects }) => {
      const old = before.find((one) => key(one[field]) === key(ref));
      const conditions = conditionsOf(aspects, policy.metadata.generation, old?.conditions);
      return [key(ref), { [field]: ref, controllerName: controller, conditions }];
    }),
  );
  const kept = before.flatMap((old): readonly AncestorStatus[] => {
    if (old.controllerName !== CONTROLLER.gateway && old.controllerName !== CONTROLLER.waypoint) return [old];
    const id = key(old[field]);
    const status = now.get(id);
    now.delete(id);
    return status ? [status] : [];
  });
  return { ...statusOf(policy), [list]: [...kept, ...now.values()].slice(0, limit) };
}
