import type { ConfigObject } from "@fairlead/config";
import type { ZtunnelAuthorization, ZtunnelGroup, ZtunnelRules } from "../../proto/types.ts";
import { isDryRun } from "../security/authorization.ts";
import { connectionRule } from "./rule.ts";

/** What ztunnel is told of a policy, and what it is not. */
export interface Conversion {
  /** Undefined: nothing. */
  readonly authorization: ZtunnelAuthorization | undefined;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

const NOT_FOR_ZTUNNEL: Conversion = { authorization: undefined, problems: [] };

/**
 * An AuthorizationPolicy as ztunnel enforces it, on connections. A rule that asks about requests never allows; where it
 * denies, what it asks about requests is left out of it: either way more is refused than was asked for, except where
 * nothing is left. Policies with `targetRefs` are for waypoints. Source: Istio API, `AuthorizationPolicy`.
 */
export function convertAuthorizationPolicy(
  policy: ConfigObject<"AuthorizationPolicy">,
  rootNamespace: string,
): Conversion {
  const { spec, metadata } = policy;
  if (spec.targetRef || spec.targetRefs?.length) return NOT_FOR_ZTUNNEL;
  const refused = (path: string, message: string): Conversion => ({
    authorization: undefined,
    problems: [{ path, message }],
  });
  // Those that do not know the field would enforce it.
  if (isDryRun(policy))
    return refused("metadata.annotations", "ztunnel does not try policies out: it is not told of this one");
  const action = spec.action ?? "ALLOW";
  if (action !== "ALLOW" && action !== "DENY")
    return refused("spec.action", `ztunnel does not support the action ${action}: the policy has no effect there`);
  const converted = (spec.rules ?? []).map((rule) => connectionRule(rule, metadata.namespace));
  const groups = converted.flatMap(({ rules, unsupported }): ZtunnelGroup[] =>
    action === "ALLOW" && unsupported.length > 0 ? [] : [rules.length > 0 ? { rules: [...rules] } : {}],
  );
  const scope = spec.selector ? "WORKLOAD_SELECTOR" : metadata.namespace === rootNamespace ? "GLOBAL" : "NAMESPACE";
  return {
    authorization: {
      name: metadata.name,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      ...(scope === "GLOBAL" ? {} : { scope }),
      ...(action === "DENY" ? { action } : {}),
      ...(groups.length > 0 ? { groups } : {}),
    },
    problems: converted.flatMap(({ rules, unsupported }, index) =>
      unsupported.length === 0
        ? []
        : [
            {
              path: `spec.rules[${index}]`,
              message: `ztunnel does not see ${unsupported.join(", ")} (a waypoint does): ${consequence(action, rules)}`,
            },
          ],
    ),
  };
}

function consequence(action: "ALLOW" | "DENY", rules: readonly ZtunnelRules[]): string {
  if (action === "ALLOW") return "the rule allows nothing there";
  return canMatch(rules)
    ? "the rule denies without asking for that, which is more than was asked for"
    : "nothing of the rule is left, and it denies nothing there";
}

/** ztunnel skips empty matches: a group whose every alternative is empty never holds. */
function canMatch(rules: readonly ZtunnelRules[]): boolean {
  return rules.every(({ matches = [] }) => matches.some((match) => Object.keys(match).length > 0));
}
