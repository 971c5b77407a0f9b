import { at, labels, record, records, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, selectedPods } from "../selection.ts";
import { formatSelector, type Labels } from "../selector.ts";
import { isAmbientPod, isInMesh } from "../workload.ts";
import { derived } from "../world.ts";

const holdsForSome = derived(
  "any workload selected",
  ({ place, wanted }: { readonly place: string; readonly wanted: Labels }) => `${place}|${formatSelector(wanted)}`,
  (world, { place, wanted }) => {
    for (const pod of selectedPods(world, place, wanted)) if (isAmbientPod(pod) || isInMesh(world, pod)) return true;
    return false;
  },
);

/** A policy must hold for some workload, and name namespaces that exist. */
export const authorizationPolicy: Rule = {
  name: "authorization/policy",
  codes: ["IST0127", "IST0101"],
  kinds: ["AuthorizationPolicy"],
  indexes: [PODS_BY_LABEL],
  check({ ref, spec }, report, world) {
    const isRoot = ref.namespace === world.rootNamespace;
    const selector = spec.selector === undefined ? undefined : labels(at(spec, "selector", "matchLabels"));
    const place = isRoot ? EVERYWHERE : ref.namespace;
    if (!(isRoot && selector === undefined) && !world.ask(holdsForSome, { place, wanted: selector ?? {} }))
      report(
        "IST0127",
        `no workload of the mesh is selected${selector ? ` by ${formatSelector(selector)}` : ""}`,
        "spec.selector",
      );
    for (const [index, rule] of records(spec.rules).entries())
      for (const [place, from] of records(rule.from).entries()) {
        const source = record(from.source);
        for (const field of ["namespaces", "notNamespaces"])
          for (const [item, name] of texts(source[field]).entries())
            if (!world.all("Namespace").some(({ ref: known }) => matches(known.name, name)))
              report(
                "IST0101",
                `there is no namespace ${name}`,
                `spec.rules[${index}].from[${place}].source.${field}[${item}]`,
              );
      }
  },
};

function matches(namespace: string, pattern: string): boolean {
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return namespace.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return namespace.startsWith(pattern.slice(0, -1));
  return namespace.toLowerCase() === pattern.toLowerCase();
}
