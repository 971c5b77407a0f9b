import type { RbacRules } from "../envoy.ts";
import { permissionRule } from "./permission.ts";
import { principalRule } from "./principal.ts";
import { allOf, anyOf, type RbacSubject, type Rule } from "./subject.ts";

/** What a set of RBAC rules says. */
export interface Verdict {
  readonly allowed: boolean;
  /** The policy that decided; absent when none matched. */
  readonly policy?: string;
  readonly reason: string;
}

interface CompiledPolicy {
  readonly name: string;
  readonly rule: Rule;
}

const compiled = new WeakMap<RbacRules, readonly CompiledPolicy[]>();

function policiesOf(rules: RbacRules): readonly CompiledPolicy[] {
  let policies = compiled.get(rules);
  if (policies === undefined) {
    // Envoy keeps them sorted: the first by name that matches is the effective one.
    policies = Object.entries(rules.policies ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, policy]) => ({
        name,
        rule: allOf([
          anyOf((policy.permissions ?? []).map(permissionRule)),
          anyOf((policy.principals ?? []).map(principalRule)),
        ]),
      }));
    compiled.set(rules, policies);
  }
  return policies;
}

/** What each policy asks for, in the order in which they are tried. */
export function policyWords(rules: RbacRules): readonly { readonly name: string; readonly words: string }[] {
  return policiesOf(rules).map(({ name, rule }) => ({ name, words: rule.words }));
}

/** Judges a subject by RBAC rules (envoy.config.rbac.v3). */
export function judge(rules: RbacRules, subject: RbacSubject): Verdict {
  const policy = policiesOf(rules).find(({ rule }) => rule.matches(subject));
  const action = rules.action ?? "ALLOW";
  if (action === "LOG") return { allowed: true, reason: "logs only", ...(policy && { policy: policy.name }) };
  if (policy === undefined) return { allowed: action === "DENY", reason: noneMatches(rules, action) };
  return { allowed: action === "ALLOW", policy: policy.name, reason: policy.rule.words };
}

function noneMatches(rules: RbacRules, action: string): string {
  if (action === "DENY") return "no deny policy matches";
  return policiesOf(rules).length === 0
    ? "nothing is allowed: there is no allow policy"
    : "no allow policy matches, so it is denied";
}
