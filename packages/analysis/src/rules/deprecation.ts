import { at, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

const REMOVED = new Set(["ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"]);

/** Fields and kinds that are gone or going. */
export const deprecation: Rule = {
  name: "deprecation",
  codes: ["IST0002"],
  kinds: ["VirtualService", "Sidecar", "CustomResourceDefinition"],
  check({ kind, spec }, report) {
    if (kind === "VirtualService")
      for (const [index, rule] of records(spec.http).entries())
        if (Number(at(rule, "fault", "delay", "percent") ?? 0) > 0)
          report("IST0002", "percent is deprecated: use percentage", `spec.http[${index}].fault.delay.percent`);
    if (kind === "Sidecar" && at(spec, "outboundTrafficPolicy", "egressProxy") !== undefined)
      report("IST0002", "egressProxy is ignored", "spec.outboundTrafficPolicy.egressProxy");
    if (
      kind === "CustomResourceDefinition" &&
      spec.group === "rbac.istio.io" &&
      REMOVED.has(text(at(spec, "names", "kind")))
    )
      report("IST0002", "this kind has been removed from Istio");
  },
};
