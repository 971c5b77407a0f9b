import { at, labels } from "../json.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { selects } from "../selector.ts";

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/** Pods of such Gateways, by namespace. */
const GATEWAY_PODS: ResourceIndex = {
  name: "pods of gateways",
  kinds: ["Pod"],
  keys: (pod) => (pod.labels[GATEWAY_NAME] === undefined ? [] : [pod.ref.namespace]),
};

/** Gateways of the Gateway API are named by targetRef; a selector does not reach them. */
export const policySelector: Rule = {
  name: "policy/gateway-selector",
  codes: ["IST0166"],
  kinds: ["AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin"],
  indexes: [GATEWAY_PODS],
  check({ ref, spec }, report, world) {
    if (spec.targetRef !== undefined || spec.selector === undefined) return;
    for (const pod of world.under(GATEWAY_PODS, ref.namespace))
      if (selects(labels(at(spec, "selector", "matchLabels")), pod.labels))
        report(
          "IST0166",
          `its selector does not hold for the Gateway ${pod.labels[GATEWAY_NAME]}: name it by targetRefs`,
          "spec.selector",
        );
  },
};
