import { at, labels, record, records, texts } from "../json.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, selectedPods } from "../selection.ts";
import { selects } from "../selector.ts";
import { gatewayOf } from "./virtual-service-gateway.ts";

const AUTHENTICATION_BY_NAMESPACE: ResourceIndex = {
  name: "request authentication",
  kinds: ["RequestAuthentication"],
  keys: ({ ref }) => [ref.namespace],
};

/** Routing by a JWT claim needs a RequestAuthentication at the gateway. */
export const jwtClaimRoute: Rule = {
  name: "virtual-service/jwt-claim",
  codes: ["IST0149"],
  kinds: ["VirtualService"],
  indexes: [PODS_BY_LABEL, AUTHENTICATION_BY_NAMESPACE],
  check(resource, report, world) {
    const claim = records(resource.spec.http)
      .flatMap(({ match }) => records(match))
      .flatMap((match) => [...Object.keys(record(match.headers)), ...Object.keys(record(match.withoutHeaders))])
      .find((header) => /^@request\.auth\.claims[.[]/i.test(header));
    if (claim === undefined) return;
    for (const name of texts(resource.spec.gateways)) {
      const gateway = name === "mesh" ? undefined : gatewayOf(world, resource, name);
      if (gateway === undefined) continue;
      for (const pod of selectedPods(world, EVERYWHERE, labels(gateway.spec.selector))) {
        const checked = ["istio-system", pod.ref.namespace]
          .flatMap((namespace) => world.under(AUTHENTICATION_BY_NAMESPACE, namespace))
          .some(({ spec }) => selects(labels(at(spec, "selector", "matchLabels")), pod.labels));
        if (!checked)
          report(
            "IST0149",
            `routes by ${claim}, but no RequestAuthentication holds for ${pod.fullName} of the gateway ${gateway.fullName}`,
          );
      }
    }
  },
};
