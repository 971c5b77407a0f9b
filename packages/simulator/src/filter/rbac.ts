import type { HttpRbac, NetworkRbac, RbacRules } from "../envoy.ts";
import { judge, policyWords, type Verdict } from "../rbac/engine.ts";
import type { RbacSubject } from "../rbac/subject.ts";
import type { Tracer } from "../trace.ts";
import { type FilterOutcome, PASS } from "./outcome.ts";

/** What the trace says of policies that are passed over. */
export const NO_MATCH = "does not match";

/** The RBAC filters, of HTTP and of the network. Shadow rules are told in the trace and decide nothing. */
export function applyRbac(config: HttpRbac | NetworkRbac, subject: RbacSubject, tracer?: Tracer): FilterOutcome {
  if (config.shadowRules) {
    const shadow = judge(config.shadowRules, subject);
    tracer?.add(
      "rbac dry run",
      shadow.policy ?? "none",
      shadow.allowed,
      `would ${shadow.allowed ? "allow" : "deny"}: ${shadow.reason}`,
      config.shadowRules,
    );
  }
  if (config.matcher)
    tracer?.add("rbac", "matcher", false, "a matcher tree is not simulated: it is passed over", config);
  if (!config.rules) return PASS;
  const { rules } = config;
  const verdict = judge(rules, subject);
  if (tracer) tell(rules, verdict, tracer);
  if (verdict.allowed) return PASS;
  const rule = verdict.policy === undefined ? {} : { rule: verdict.policy };
  return { reply: { status: 403, body: "RBAC: access denied", by: "rbac", ...rule } };
}

/** The policies that were tried before the one that decided, and the verdict. */
function tell(rules: RbacRules, { allowed, policy, reason }: Verdict, tracer: Tracer): void {
  const step = `rbac ${(rules.action ?? "ALLOW").toLowerCase()}`;
  for (const { name, words } of policyWords(rules)) {
    const node = rules.policies?.[name];
    if (name === policy) {
      tracer.add(step, name, allowed, reason, node);
      return;
    }
    tracer.add(step, name, false, `${NO_MATCH}: wants ${words}`, node);
  }
  tracer.add(step, "none", allowed, reason);
}
