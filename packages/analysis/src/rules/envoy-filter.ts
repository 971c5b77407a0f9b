import { at, type Json, records, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";

const ROUTES = new Set(["ROUTE_CONFIGURATION", "HTTP_ROUTE"]);
const REPLACEABLE = new Set(["NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST"]);

const RELATIVE = {
  IST0151: "its place depends on the order of EnvoyFilters: give a priority",
  IST0155: "its place depends on a filter that is for one proxy version only: give a priority",
} as const;

/** EnvoyFilters by the names that they patch for one proxy version only. */
const BY_VERSIONED_NAME: ResourceIndex = {
  name: "filters patched for a version",
  kinds: ["EnvoyFilter"],
  keys: (resource) => patches(resource).filter(isVersioned).map(patchedName),
};

/** Patches whose operation cannot do what they say, or whose outcome hangs on the order of filters. */
export const envoyFilter: Rule = {
  name: "envoy-filter/operation",
  codes: ["IST0151", "IST0152", "IST0153", "IST0154", "IST0155"],
  kinds: ["EnvoyFilter"],
  indexes: [BY_VERSIONED_NAME],
  check(resource, report, world) {
    // Filters are taken by name, and within them patches in their order.
    const before = new Set<string>();
    const isVersionedBefore = (name: string) =>
      before.has(name) || world.under(BY_VERSIONED_NAME, name).some(({ id }) => id < resource.id);
    // Once for a filter: one priority settles it for all of its patches.
    const told = new Set<string>();
    for (const [index, entry] of patches(resource).entries()) {
      const path = `spec.configPatches[${index}]`;
      const applyTo = text(entry.applyTo);
      const operation = text(at(entry, "patch", "operation"));
      const name = patchedName(entry);
      const relative = () => {
        const code = isVersionedBefore(name) ? "IST0155" : "IST0151";
        if (Number(resource.spec.priority ?? 0) !== 0 || told.has(code)) return;
        told.add(code);
        report(code, RELATIVE[code], path);
      };
      if (operation === "ADD" && ROUTES.has(applyTo)) report("IST0153", `ADD does nothing on ${applyTo}`, path);
      else if (operation === "REMOVE" && ROUTES.has(applyTo))
        report("IST0154", `REMOVE does nothing on ${applyTo}`, path);
      else if (operation === "REPLACE" && !REPLACEABLE.has(applyTo))
        report("IST0152", `REPLACE works on ${[...REPLACEABLE].join(", ")} only`, path);
      else if (["REMOVE", "REPLACE", "INSERT_BEFORE", "INSERT_AFTER"].includes(operation)) relative();
      if (isVersioned(entry)) before.add(name);
    }
  },
};

/** Up to the first that has nothing to patch with. */
function patches({ spec }: Resource): readonly Json[] {
  const all = records(spec.configPatches);
  const end = all.findIndex(({ patch }) => patch === undefined);
  return end < 0 ? all : all.slice(0, end);
}

function isVersioned(entry: Json): boolean {
  return text(at(entry, "match", "proxy", "proxyVersion")) !== "";
}

function patchedName(entry: Json): string {
  const value = at(entry, "patch", "value");
  if (value === undefined) return "";
  return text(at(value, "name")) || text(at(entry, "match", "listener", "filterChain", "filter", "name"));
}
