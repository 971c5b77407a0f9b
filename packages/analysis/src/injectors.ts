import { record, text } from "./json.ts";
import type { ResourceIndex } from "./resource-index.ts";
import { derived, type World } from "./world.ts";

const PREFIX = "istio-sidecar-injector";

/** The ConfigMaps of injectors; the one key is empty. */
export const INJECTOR_MAPS: ResourceIndex = {
  name: "injectors",
  kinds: ["ConfigMap"],
  keys: ({ ref }) => (ref.name.startsWith(PREFIX) ? [""] : []),
};

const injectorValues = derived(
  "injector values",
  () => "",
  (world): ReadonlyMap<string, readonly unknown[]> =>
    new Map(
      [...Map.groupBy(world.under(INJECTOR_MAPS, ""), ({ ref }) => ref.name)].map(([name, maps]) => [
        name,
        maps.map(({ document }) => parse(text(record(document.value.data).values))),
      ]),
    ),
);

/** The values of the injectors of a revision, by namespace; without a revision, of the default one. */
export function injectorsOf(world: World, revision: string | undefined): readonly unknown[] {
  const isDefault = revision === undefined || revision === "" || revision === "default";
  return world.ask(injectorValues, undefined).get(isDefault ? PREFIX : `${PREFIX}-${revision}`) ?? [];
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
