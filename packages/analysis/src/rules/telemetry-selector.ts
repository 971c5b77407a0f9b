import { onePerPod, podsOf, sayOverlap, sayTwice } from "../company.ts";
import { at } from "../json.ts";
import type { Rule } from "../rule.ts";

const TELEMETRIES = onePerPod(
  "Telemetry",
  ({ spec }) => at(spec, "selector", "matchLabels"),
  ({ spec }) => spec.selector === undefined,
);

/** As for Sidecars: each Pod has one Telemetry of its own, each namespace one without selector. */
export const telemetrySelector: Rule = {
  name: "telemetry/selector",
  codes: ["IST0101", "IST0159", "IST0160"],
  kinds: ["Telemetry"],
  indexes: TELEMETRIES.indexes,
  check(resource, report, world) {
    const { namespace } = resource.ref;
    for (const pod of podsOf(TELEMETRIES, resource, "spec.selector", report, world) ?? [])
      sayOverlap("IST0159", pod, world.ask(TELEMETRIES.selecting, pod), report);
    if (resource.spec.selector === undefined)
      sayTwice("IST0160", namespace, world.under(TELEMETRIES.bare, namespace), report);
  },
};
