import type { ObjectMeta } from "../object.ts";
import type { Report } from "./report.ts";

/** Set by Istio on objects it makes itself; taken from users they would widen rights. */
const INTERNAL: readonly string[] = [
  "internal.istio.io/webhook-always-reject",
  "internal.istio.io/parents",
  "internal.istio.io/parent-namespace",
];

/** Go's `strconv.ParseBool`. */
const BOOLEAN = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

/** Annotations that a cluster's webhook looks at. `report` stands at the object. */
export function checkAnnotations(kind: string, spec: unknown, { annotations }: ObjectMeta, report: Report): void {
  const at = report.at("metadata", "annotations");
  for (const name of INTERNAL)
    if (Object.hasOwn(annotations, name)) at.at(name).error("forbidden-annotation", "must not be set by users");
  const dryRun = annotations["istio.io/dry-run"];
  if (dryRun === undefined) return;
  const dryRunAt = at.at("istio.io/dry-run");
  const { action = "ALLOW" } = spec as { readonly action?: string };
  if (kind !== "AuthorizationPolicy")
    dryRunAt.error("unsupported", `is for AuthorizationPolicies only, not for ${kind}`);
  else if (action !== "ALLOW" && action !== "DENY") dryRunAt.error("unsupported", `is not supported for ${action}`);
  else if (!BOOLEAN.test(dryRun))
    dryRunAt.error("invalid-value", `must be "true" or "false", found ${JSON.stringify(dryRun)}`);
}
