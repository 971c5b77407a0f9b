import type { Code } from "./catalogue.ts";
import { labels } from "./json.ts";
import type { Resource } from "./resource.ts";
import type { ResourceIndex } from "./resource-index.ts";
import type { Report } from "./rule.ts";
import { PODS_BY_LABEL, selectedPods } from "./selection.ts";
import { formatSelector, type Labels, selects } from "./selector.ts";
import { type Derived, derived, type World } from "./world.ts";

/** Resources of a kind of which each Pod has one: those that select Pods, and those that hold for the rest of their namespace. */
export interface OnePerPod {
  readonly indexes: readonly ResourceIndex[];
  /** Those that select a Pod, sorted by name. */
  readonly selecting: Derived<Resource, readonly Resource[]>;
  /** By namespace: those without a selector. */
  readonly bare: ResourceIndex;
  readonly selectorOf: (resource: Resource) => Labels;
}

/** @param selector Where a resource has the labels that it selects Pods by. @param isBare Whether it has no selector. */
export function onePerPod(
  kind: string,
  selector: (resource: Resource) => unknown,
  isBare: (resource: Resource) => boolean,
): OnePerPod {
  const selectorOf = (resource: Resource) => labels(selector(resource));
  const bySelector: ResourceIndex = {
    name: `${kind} with selector`,
    kinds: [kind],
    keys: (resource) => (Object.keys(selectorOf(resource)).length > 0 ? [resource.ref.namespace] : []),
  };
  const bare: ResourceIndex = {
    name: `${kind} without selector`,
    kinds: [kind],
    keys: (resource) => (isBare(resource) ? [resource.ref.namespace] : []),
  };
  const selecting = derived(
    `${kind} of a pod`,
    ({ id }: Resource) => id,
    (world, pod) =>
      world.under(bySelector, pod.ref.namespace).filter((resource) => selects(selectorOf(resource), pod.labels)),
  );
  return { indexes: [PODS_BY_LABEL, bySelector, bare], selecting, bare, selectorOf };
}

/** The Pods that a resource selects; undefined without a selector. A selector that selects none is reported. */
export function podsOf(
  { selectorOf }: OnePerPod,
  resource: Resource,
  path: string,
  report: Report,
  world: World,
): readonly Resource[] | undefined {
  const selector = selectorOf(resource);
  if (Object.keys(selector).length === 0) return undefined;
  const pods = [...selectedPods(world, resource.ref.namespace, selector)];
  if (pods.length === 0) report("IST0101", `the selector ${formatSelector(selector)} selects no Pod`, path);
  return pods;
}

/** Says of one of several that they all select a Pod. */
export function sayOverlap(code: Code, pod: Resource, members: readonly Resource[], report: Report): void {
  if (members.length > 1)
    report(
      code,
      `${namesOf(members)} all select the Pod ${pod.fullName}: which one holds is not defined`,
      "metadata.name",
    );
}

/** Says of one of several that none of them has a selector. */
export function sayTwice(code: Code, namespace: string, members: readonly Resource[], report: Report): void {
  if (members.length > 1)
    report(
      code,
      `${namesOf(members)} of the namespace ${namespace} all have no selector: which one holds is not defined`,
    );
}

function namesOf(members: readonly Resource[]): string {
  return members.map(({ ref }) => ref.name).join(", ");
}
