import { at, type Json, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

const ROUTES = new Set(["ROUTE_CONFIGURATION", "HTTP_ROUTE"]);
const REPLACEABLE = new Set(["NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST"]);

const RELATIVE = {
  IST0151: "its place depends on the order of EnvoyFilters: give a priority",
  IST0155: "its place depends on a filter that is for one proxy version only: give a priority",
} as const;

/** Patches whose operation cannot do what they say, or whose outcome hangs on the order of filters. */
export const envoyFilter: Rule = {
  name: "envoy-filter/operation",
  codes: ["IST0151", "IST0152", "IST0153", "IST0154", "IST0155"],
  check(input, report) {
    const versioned = new Set<string>();
    for (const resource of input.of("EnvoyFilter")) {
      // Once for a filter: one priority settles it for all of its patches.
      const told = new Set<string>();
      for (const [index, entry] of records(resource.spec.configPatches).entries()) {
        if (entry.patch === undefined) break;
        const path = `spec.configPatches[${index}]`;
        const applyTo = text(entry.applyTo);
        const operation = text(at(entry, "patch", "operation"));
        const name = patchedName(entry);
        const relative = () => {
          const code = versioned.has(name) ? "IST0155" : "IST0151";
          if (Number(resource.spec.priority ?? 0) !== 0 || told.has(code)) return;
          told.add(code);
          report(code, resource, RELATIVE[code], path);
        };
        if (operation === "ADD" && ROUTES.has(applyTo))
          report("IST0153", resource, `ADD does nothing on ${applyTo}`, path);
        else if (operation === "REMOVE" && ROUTES.has(applyTo))
          report("IST0154", resource, `REMOVE does nothing on ${applyTo}`, path);
        else if (operation === "REPLACE" && !REPLACEABLE.has(applyTo))
          report("IST0152", resource, `REPLACE works on ${[...REPLACEABLE].join(", ")} only`, path);
        else if (["REMOVE", "REPLACE", "INSERT_BEFORE", "INSERT_AFTER"].includes(operation)) relative();
        if (text(at(entry, "match", "proxy", "proxyVersion")) !== "") versioned.add(name);
      }
    }
  },
};

function patchedName(entry: Json): string {
  const value = at(entry, "patch", "value");
  if (value === undefined) return "";
  return text(at(value, "name")) || text(at(entry, "match", "listener", "filterChain", "filter", "name"));
}
