import { at, labels, record, records, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { selects } from "../selector.ts";
import { gatewayOf } from "./virtual-service-gateway.ts";

/** Routing by a JWT claim needs a RequestAuthentication at the gateway. */
export const jwtClaimRoute: Rule = {
  name: "virtual-service/jwt-claim",
  codes: ["IST0149"],
  check(input, report) {
    for (const resource of input.of("VirtualService")) {
      const claim = records(resource.spec.http)
        .flatMap(({ match }) => records(match))
        .flatMap((match) => [...Object.keys(record(match.headers)), ...Object.keys(record(match.withoutHeaders))])
        .find((header) => /^@request\.auth\.claims[.[]/i.test(header));
      if (claim === undefined) continue;
      for (const name of texts(resource.spec.gateways)) {
        const gateway = name === "mesh" ? undefined : gatewayOf(input, resource, name);
        if (gateway === undefined) continue;
        for (const pod of input.of("Pod")) {
          if (!selects(labels(gateway.spec.selector), pod.labels)) continue;
          const checked = input
            .of("RequestAuthentication")
            .some(
              ({ ref, spec }) =>
                (ref.namespace === "istio-system" || ref.namespace === pod.ref.namespace) &&
                selects(labels(at(spec, "selector", "matchLabels")), pod.labels),
            );
          if (!checked)
            report(
              "IST0149",
              resource,
              `routes by ${claim}, but no RequestAuthentication holds for ${pod.fullName} of the gateway ${gateway.fullName}`,
            );
        }
      }
    }
  },
};
