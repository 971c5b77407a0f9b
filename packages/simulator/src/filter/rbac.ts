import type { HttpRbac, NetworkRbac } from "../envoy.ts";
import { judge } from "../rbac/engine.ts";
import type { RbacSubject } from "../rbac/subject.ts";
import type { Tracer } from "../trace.ts";
import { type FilterOutcome, PASS } from "./outcome.ts";

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
  const verdict = judge(config.rules, subject);
  const policy = verdict.policy && config.rules.policies?.[verdict.policy];
  const action = (config.rules.action ?? "ALLOW").toLowerCase();
  tracer?.add(`rbac ${action}`, verdict.policy ?? "none", verdict.allowed, verdict.reason, policy || config.rules);
  if (verdict.allowed) return PASS;
  const rule = verdict.policy === undefined ? {} : { rule: verdict.policy };
  return { reply: { status: 403, body: "RBAC: access denied", by: "rbac", ...rule } };
}
