import { labels } from "./json.ts";
import type { Resource } from "./resource.ts";
import type { ResourceIndex } from "./resource-index.ts";
import { formatSelector, type Labels, selects } from "./selector.ts";
import { derived, type World } from "./world.ts";

/** Every namespace, where a selection is not bound to one. */
export const EVERYWHERE = "*";

/** Pods by namespace (and by {@link EVERYWHERE}), and there by each of their labels. */
export const PODS_BY_LABEL: ResourceIndex = {
  name: "pods",
  kinds: ["Pod"],
  *keys({ ref, labels: own }) {
    for (const place of [ref.namespace, EVERYWHERE]) {
      yield place;
      for (const [key, value] of Object.entries(own)) yield `${place}|${key}=${value}`;
    }
  },
};

/** Services by namespace and the first label of their selector: what a Pod of that label may be behind. */
export const SERVICES_BY_SELECTOR: ResourceIndex = {
  name: "services by selector",
  kinds: ["Service"],
  *keys({ ref, spec }) {
    const [first] = Object.entries(labels(spec.selector)).sort(([a], [b]) => (a < b ? -1 : 1));
    yield first ? `${ref.namespace}|${first[0]}=${first[1]}` : ref.namespace;
  },
};

/** The Pods of a namespace, or of all, that have all wanted labels; without any, all. Sorted by namespace and name. */
export function* selectedPods(world: World, place: string, wanted: Labels): Iterable<Resource> {
  let fewest: readonly Resource[] | undefined;
  for (const [key, value] of Object.entries(wanted)) {
    const pods = world.under(PODS_BY_LABEL, `${place}|${key}=${value}`);
    if (fewest === undefined || pods.length < fewest.length) fewest = pods;
    if (fewest.length === 0) return;
  }
  for (const pod of fewest ?? world.under(PODS_BY_LABEL, place)) if (selects(wanted, pod.labels)) yield pod;
}

/** As {@link selectedPods}; known by selector, so that who asks is not asked again when other Pods come to be the selected ones. */
export function selectsAnyPod(world: World, place: string, wanted: Labels): boolean {
  return world.ask(anySelected, { place, wanted });
}

const anySelected = derived(
  "any pod selected",
  ({ place, wanted }: { readonly place: string; readonly wanted: Labels }) => `${place}|${formatSelector(wanted)}`,
  (world, { place, wanted }) => {
    for (const _ of selectedPods(world, place, wanted)) return true;
    return false;
  },
);

/** The Services of a namespace whose selector, which is not empty, holds for the labels. */
export function selectingServices(world: World, namespace: string, own: Labels): readonly Resource[] {
  return Object.entries(own).flatMap(([key, value]) =>
    world
      .under(SERVICES_BY_SELECTOR, `${namespace}|${key}=${value}`)
      .filter(({ spec }) => selects(labels(spec.selector), own)),
  );
}
