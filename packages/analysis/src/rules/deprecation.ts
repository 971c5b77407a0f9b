import { at, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

const REMOVED = new Set(["ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"]);

/** Fields and kinds that are gone or going. */
export const deprecation: Rule = {
  name: "deprecation",
  codes: ["IST0002"],
  check(input, report) {
    for (const resource of input.of("VirtualService"))
      for (const [index, rule] of records(resource.spec.http).entries())
        if (Number(at(rule, "fault", "delay", "percent") ?? 0) > 0)
          report(
            "IST0002",
            resource,
            "percent is deprecated: use percentage",
            `spec.http[${index}].fault.delay.percent`,
          );
    for (const resource of input.of("Sidecar"))
      if (at(resource.spec, "outboundTrafficPolicy", "egressProxy") !== undefined)
        report("IST0002", resource, "egressProxy is ignored", "spec.outboundTrafficPolicy.egressProxy");
    for (const resource of input.of("CustomResourceDefinition"))
      if (resource.spec.group === "rbac.istio.io" && REMOVED.has(text(at(resource.spec, "names", "kind"))))
        report("IST0002", resource, "this kind has been removed from Istio");
  },
};
