import { at, labels } from "../json.ts";
import type { Rule } from "../rule.ts";
import { selects } from "../selector.ts";

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/** Gateways of the Gateway API are named by targetRef; a selector does not reach them. */
export const policySelector: Rule = {
  name: "policy/gateway-selector",
  codes: ["IST0166"],
  check(input, report) {
    const pods = input.of("Pod").filter((pod) => pod.labels[GATEWAY_NAME] !== undefined);
    for (const kind of ["AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin"])
      for (const resource of input.of(kind)) {
        const { spec, ref } = resource;
        if (spec.targetRef !== undefined || spec.selector === undefined) continue;
        for (const pod of pods) {
          if (pod.ref.namespace === ref.namespace && selects(labels(at(spec, "selector", "matchLabels")), pod.labels))
            report(
              "IST0166",
              resource,
              `its selector does not hold for the Gateway ${pod.labels[GATEWAY_NAME]}: name it by targetRefs`,
              "spec.selector",
            );
        }
      }
  },
};
