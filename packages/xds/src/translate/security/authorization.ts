import { type ConfigObject, refOf } from "@fairlead/config";
import type { ObjectRef } from "@fairlead/model";
import type { AnyMessage, Policy, RbacRules } from "../../proto/types.ts";
import { typed } from "../listener/typed.ts";
import type { Protocol } from "./conditions.ts";
import { type ExternalAuthorization, enabledFor } from "./external-authorization.ts";
import { rbacPolicy } from "./rule.ts";

type AuthorizationPolicy = ConfigObject<"AuthorizationPolicy">;

/** A filter before it is an HTTP or a network filter: both have a name and a typed configuration. */
export interface SecurityFilter {
  readonly name: string;
  readonly typedConfig: AnyMessage;
  /** The policies it was made from. */
  readonly sources: readonly ObjectRef[];
}

export interface AuthorizationInput {
  /** The policies that hold for the workload, in their order. */
  readonly policies: readonly AuthorizationPolicy[];
  readonly protocol: Protocol;
  /** The mesh's own first, then its aliases. */
  readonly trustDomains: readonly string[];
  /** `local`: ALLOW, DENY and AUDIT. `custom`: CUSTOM. */
  readonly actions: "local" | "custom";
  /** How an external authorizer is asked; only for `custom`. */
  readonly provider?: (name: string) => ExternalAuthorization;
  readonly report: (policy: AuthorizationPolicy, path: string, message: string, code?: string) => void;
  /** Hears which rule each policy of the filters was made from. */
  readonly place?: (node: Policy, policy: AuthorizationPolicy, path: string) => void;
}

const HTTP_RBAC = "envoy.filters.http.rbac";
const TCP_RBAC = "envoy.filters.network.rbac";
const STAT_PREFIX = "tcp.";

/** Where an evaluation that is not enforced leaves its result. Tracing tags and external authorization read it. */
const SHADOW_PREFIX = { ALLOW: "istio_dry_run_allow_", DENY: "istio_dry_run_deny_", LOG: undefined } as const;
const CUSTOM_PREFIX = "istio_ext_authz_";

const NEVER: Policy = { permissions: [{ notRule: { any: true } }], principals: [{ notId: { any: true } }] };

/**
 * The filters that enforce AuthorizationPolicies, in their order: CUSTOM, or AUDIT, DENY, ALLOW.
 * Source: Istio API, `AuthorizationPolicy`.
 */
export function authorizationFilters(input: AuthorizationInput): SecurityFilter[] {
  const of = (action: string) => input.policies.filter(({ spec }) => (spec.action ?? "ALLOW") === action);
  if (input.actions === "custom") return customFilters(input, of("CUSTOM"));
  return [
    ...localFilter(input, of("AUDIT"), "LOG"),
    ...localFilter(input, of("DENY"), "DENY"),
    ...localFilter(input, of("ALLOW"), "ALLOW"),
  ];
}

/** Whether a policy is only tried out. Source: Istio annotation `istio.io/dry-run`. */
export function isDryRun({ metadata }: AuthorizationPolicy): boolean {
  return /^(1|t|true)$/i.test(metadata.annotations["istio.io/dry-run"] ?? "");
}

function rbacRules(action: keyof typeof SHADOW_PREFIX, policies: Readonly<Record<string, Policy>>): RbacRules {
  return {
    ...(action === "ALLOW" ? {} : { action }),
    ...(Object.keys(policies).length > 0 ? { policies: { ...policies } } : {}),
  };
}

/** The rules of policies by name; `prefix` tells those of an external authorizer apart. */
function policiesOf(
  input: AuthorizationInput,
  policies: readonly AuthorizationPolicy[],
  strict: boolean,
  prefix = "",
): Record<string, Policy> {
  const found: Record<string, Policy> = {};
  for (const policy of policies) {
    const { namespace, name } = policy.metadata;
    const nameOf = (index: number) => `${prefix}ns[${namespace}]-policy[${name}]-rule[${index}]`;
    const rules = policy.spec.rules ?? [];
    for (const [index, rule] of rules.entries()) {
      const made = rbacPolicy(rule, {
        protocol: input.protocol,
        namespace,
        trustDomains: input.trustDomains,
        strict,
        report: (path, message) => input.report(policy, `spec.rules[${index}].${path}`, message),
      });
      if (!made) continue;
      found[nameOf(index)] = made;
      input.place?.(made, policy, `spec.rules[${index}]`);
    }
    // Without rules nothing matches: an ALLOW policy then allows nothing.
    if (rules.length > 0) continue;
    const never = { ...NEVER };
    found[nameOf(0)] = never;
    input.place?.(never, policy, "");
  }
  return found;
}

function filter(input: AuthorizationInput, policies: readonly AuthorizationPolicy[], config: object): SecurityFilter {
  const sources = policies.map(refOf);
  return input.protocol === "http"
    ? { name: HTTP_RBAC, typedConfig: typed("envoy.extensions.filters.http.rbac.v3.RBAC", config), sources }
    : {
        name: TCP_RBAC,
        typedConfig: typed("envoy.extensions.filters.network.rbac.v3.RBAC", { statPrefix: STAT_PREFIX, ...config }),
        sources,
      };
}

function localFilter(
  input: AuthorizationInput,
  policies: readonly AuthorizationPolicy[],
  action: keyof typeof SHADOW_PREFIX,
): SecurityFilter[] {
  if (policies.length === 0) return [];
  const enforced = policies.filter((policy) => !isDryRun(policy));
  const tried = policies.filter(isDryRun);
  const rules = (list: readonly AuthorizationPolicy[]) =>
    rbacRules(action, policiesOf(input, list, action === "ALLOW"));
  // Istio names the prefix of ALLOW where nothing is tried; it has no effect there.
  const prefix = tried.length > 0 ? SHADOW_PREFIX[action] : SHADOW_PREFIX.ALLOW;
  return [
    filter(input, policies, {
      ...(enforced.length > 0 ? { rules: rules(enforced) } : {}),
      ...(tried.length > 0 ? { shadowRules: rules(tried) } : {}),
      ...(prefix ? { shadowRulesStatPrefix: prefix } : {}),
    }),
  ];
}

/**
 * Policies that leave the decision to an external authorizer: Envoy finds out which requests they match, without
 * enforcing it, and asks the authorizer about those. A provider that cannot be asked denies what it would be asked.
 */
function customFilters(input: AuthorizationInput, policies: readonly AuthorizationPolicy[]): SecurityFilter[] {
  const names = [...new Set(policies.map(({ spec }) => spec.provider?.name ?? ""))].sort();
  return names.flatMap((name) => {
    const own = policies.filter(({ spec }) => (spec.provider?.name ?? "") === name);
    const prefix = name ? `istio-ext-authz-${name}-` : "istio-ext-authz-";
    const enforced = policiesOf(
      input,
      own.filter((policy) => !isDryRun(policy)),
      false,
      prefix,
    );
    const deny = (problem: string) => {
      for (const policy of own)
        input.report(policy, "spec.provider", `${problem}: what the policy matches is denied`, "provider-invalid");
      const denied = Object.entries(enforced).map(([key, policy]) => [`${key}-deny-due-to-bad-CUSTOM-action`, policy]);
      return [filter(input, own, { rules: rbacRules("DENY", Object.fromEntries(denied)) })];
    };
    if (names.length > 1) return deny(`several providers (${names.join(", ")}) hold for one workload`);
    const authorizer = input.provider?.(name) ?? { problem: "no providers are known here" };
    if (authorizer.problem !== undefined) return deny(authorizer.problem);
    if (input.protocol === "tcp" && !authorizer.tcp) {
      for (const policy of own)
        input.report(policy, "spec.provider", `provider ${name} can be asked about HTTP requests only`);
      return [];
    }
    const tried = policiesOf(input, own.filter(isDryRun), false, prefix);
    return [
      filter(input, own, {
        shadowRules: rbacRules("DENY", enforced),
        shadowRulesStatPrefix: CUSTOM_PREFIX,
        ...(Object.keys(tried).length > 0 ? { rules: rbacRules("DENY", tried) } : {}),
      }),
      enabledFor(input.protocol, authorizer, name, own),
    ];
  });
}
