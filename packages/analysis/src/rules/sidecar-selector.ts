import type { Code } from "../catalogue.ts";
import type { Input, Resource } from "../input.ts";
import { at, labels } from "../json.ts";
import type { Report, Rule } from "../rule.ts";
import { formatSelector, selects } from "../selector.ts";
import { isAmbientNamespace, isAmbientPod } from "../workload.ts";

/** Each Pod has one Sidecar: selectors select something and do not overlap; a namespace has one without selector. */
export const sidecarSelector: Rule = {
  name: "sidecar/selector",
  codes: ["IST0101", "IST0110", "IST0111", "IST0167"],
  check(input, report) {
    const byPod = selectedPods(
      input,
      "Sidecar",
      (resource) => labels(at(resource.spec, "workloadSelector", "labels")),
      "spec.workloadSelector",
      report,
    );
    const told = new Set<Resource>();
    const ineffective = (resource: Resource, what: string) => {
      if (!told.has(resource)) report("IST0167", resource, `has no effect: ${what} is in ambient mode`);
      told.add(resource);
    };
    for (const [pod, members] of byPod) {
      if (isAmbientPod(pod)) for (const resource of members) ineffective(resource, `the workload ${pod.fullName}`);
      else sayOverlap("IST0110", pod, members, report);
    }
    for (const [namespace, members] of withoutSelector(
      input.of("Sidecar"),
      ({ spec }) => Object.keys(labels(at(spec, "workloadSelector", "labels"))).length === 0,
    )) {
      if (isAmbientNamespace(input, namespace)) for (const resource of members) ineffective(resource, "the namespace");
      else sayTwice("IST0111", namespace, members, report);
    }
  },
};

/** Pods by the resources of a kind that select them; selectors that select none are reported. */
export function selectedPods(
  input: Input,
  kind: string,
  selectorOf: (resource: Resource) => Readonly<Record<string, string>>,
  path: string,
  report: Report,
): ReadonlyMap<Resource, readonly Resource[]> {
  const byPod = new Map<Resource, Resource[]>();
  for (const resource of input.of(kind)) {
    const selector = selectorOf(resource);
    if (Object.keys(selector).length === 0) continue;
    const pods = input
      .of("Pod")
      .filter(({ ref, labels: own }) => ref.namespace === resource.ref.namespace && selects(selector, own));
    if (pods.length === 0) report("IST0101", resource, `the selector ${formatSelector(selector)} selects no Pod`, path);
    for (const pod of pods) byPod.set(pod, [...(byPod.get(pod) ?? []), resource]);
  }
  return byPod;
}

export function sayOverlap(code: Code, pod: Resource, members: readonly Resource[], report: Report): void {
  const why = `all select the Pod ${pod.fullName}: which one holds is not defined`;
  sayEach(code, members, why, report, "metadata.name");
}

export function withoutSelector(
  resources: readonly Resource[],
  isBare: (resource: Resource) => boolean,
): ReadonlyMap<string, readonly Resource[]> {
  const byNamespace = new Map<string, Resource[]>();
  for (const resource of resources)
    if (isBare(resource))
      byNamespace.set(resource.ref.namespace, [...(byNamespace.get(resource.ref.namespace) ?? []), resource]);
  return byNamespace;
}

export function sayTwice(code: Code, namespace: string, members: readonly Resource[], report: Report): void {
  const why = `of the namespace ${namespace} all have no selector: which one holds is not defined`;
  sayEach(code, members, why, report);
}

/** Says to each of several, with the names of all, that they are in each other's way. */
function sayEach(code: Code, members: readonly Resource[], why: string, report: Report, path?: string): void {
  if (members.length < 2) return;
  const names = members
    .map(({ ref }) => ref.name)
    .sort()
    .join(", ");
  for (const resource of members) report(code, resource, `${names} ${why}`, path);
}
