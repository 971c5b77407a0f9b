import { onePerPod, podsOf, sayOverlap, sayTwice } from "../company.ts";
import { at, labels } from "../json.ts";
import type { Rule } from "../rule.ts";
import { isAmbientNamespace, isAmbientPod } from "../workload.ts";

const selector = ({ spec }: { readonly spec: unknown }) => at(spec, "workloadSelector", "labels");
const SIDECARS = onePerPod("Sidecar", selector, (resource) => Object.keys(labels(selector(resource))).length === 0);

/** Each Pod has one Sidecar: selectors select something and do not overlap; a namespace has one without selector. */
export const sidecarSelector: Rule = {
  name: "sidecar/selector",
  codes: ["IST0101", "IST0110", "IST0111", "IST0167"],
  kinds: ["Sidecar"],
  indexes: SIDECARS.indexes,
  check(resource, report, world) {
    const { namespace } = resource.ref;
    const ineffective = (what: string) => report("IST0167", `has no effect: ${what} is in ambient mode`);
    const pods = podsOf(SIDECARS, resource, "spec.workloadSelector", report, world);
    if (pods === undefined) {
      if (isAmbientNamespace(world, namespace)) ineffective("the namespace");
      else sayTwice("IST0111", namespace, world.under(SIDECARS.bare, namespace), report);
      return;
    }
    for (const pod of pods)
      if (!isAmbientPod(pod)) sayOverlap("IST0110", pod, world.ask(SIDECARS.selecting, pod), report);
    const ambient = pods.find(isAmbientPod);
    if (ambient) ineffective(`the workload ${ambient.fullName}`);
  },
};
