import type { Resource } from "../input.ts";
import { at, labels, record, records, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { formatSelector } from "../selector.ts";
import { SelectorIndex } from "../selector-index.ts";
import { isAmbientPod, isInMesh } from "../workload.ts";

/** A policy must hold for some workload, and name namespaces that exist. */
export const authorizationPolicy: Rule = {
  name: "authorization/policy",
  codes: ["IST0127", "IST0101"],
  check(input, report) {
    const root = input.meshConfig.rootNamespace || "istio-system";
    const pods = input.of("Pod").filter((pod) => isInMesh(input, pod) || isAmbientPod(pod));
    const indexOf = (some: readonly Resource[]) => new SelectorIndex(some.map((pod) => [pod, pod.labels] as const));
    const everywhere = indexOf(pods);
    const byNamespace = new Map(
      [...Map.groupBy(pods, (pod) => pod.ref.namespace)].map(([namespace, own]) => [namespace, indexOf(own)] as const),
    );
    const namespaces = input.of("Namespace").map(({ ref }) => ref.name);
    for (const resource of input.of("AuthorizationPolicy")) {
      const { spec, ref } = resource;
      const selector = spec.selector === undefined ? undefined : labels(at(spec, "selector", "matchLabels"));
      const candidates = ref.namespace === root ? everywhere : byNamespace.get(ref.namespace);
      const lacking =
        selector === undefined ? ref.namespace !== root && candidates === undefined : !candidates?.selectsAny(selector);
      if (lacking)
        report(
          "IST0127",
          resource,
          `no workload of the mesh is selected${selector ? ` by ${formatSelector(selector)}` : ""}`,
          "spec.selector",
        );
      for (const [index, rule] of records(spec.rules).entries())
        for (const [place, from] of records(rule.from).entries()) {
          const source = record(from.source);
          for (const field of ["namespaces", "notNamespaces"])
            for (const [item, name] of texts(source[field]).entries())
              if (!namespaces.some((known) => matches(known, name)))
                report(
                  "IST0101",
                  resource,
                  `there is no namespace ${name}`,
                  `spec.rules[${index}].from[${place}].source.${field}[${item}]`,
                );
        }
    }
  },
};

function matches(namespace: string, pattern: string): boolean {
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return namespace.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return namespace.startsWith(pattern.slice(0, -1));
  return namespace.toLowerCase() === pattern.toLowerCase();
}
