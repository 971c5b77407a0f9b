import { at, labels } from "../json.ts";
import type { Rule } from "../rule.ts";
import { sayOverlap, sayTwice, selectedPods, withoutSelector } from "./sidecar-selector.ts";

/** As for Sidecars: each Pod has one Telemetry of its own, each namespace one without selector. */
export const telemetrySelector: Rule = {
  name: "telemetry/selector",
  codes: ["IST0101", "IST0159", "IST0160"],
  check(input, report) {
    const byPod = selectedPods(
      input,
      "Telemetry",
      ({ spec }) => labels(at(spec, "selector", "matchLabels")),
      "spec.selector",
      report,
    );
    for (const [pod, members] of byPod) sayOverlap("IST0159", pod, members, report);
    for (const [namespace, members] of withoutSelector(
      input.of("Telemetry"),
      ({ spec }) => spec.selector === undefined,
    ))
      sayTwice("IST0160", namespace, members, report);
  },
};
