import type { Input, Resource } from "../input.ts";
import { at, record, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { containersOf, PROXY_CONTAINER } from "../workload.ts";

/** Namespaces say whether their Pods are injected, in one way; the Pods of those that are have a proxy. */
export const injection: Rule = {
  name: "injection/namespace",
  codes: ["IST0102", "IST0103", "IST0123", "IST0148"],
  check(input, report) {
    const injected = new Set<string>();
    for (const resource of input.of("Namespace")) {
      const { name } = resource.ref;
      if (name === "istio-system") continue;
      const own = resource.labels;
      const injectionLabel = own["istio-injection"];
      const revision = own["istio.io/rev"];
      const said = injectionLabel === undefined ? [] : [`istio-injection=${injectionLabel}`];
      for (const key of ["istio.io/rev", "istio.io/dataplane-mode"])
        if (own[key] !== undefined && (injectionLabel === undefined || injectionLabel === "enabled"))
          said.push(`${key}=${own[key]}`);
      if (said.length > 1)
        report(
          "IST0123",
          resource,
          `has the labels ${said.join(" and ")}, of which one only counts`,
          "metadata.labels",
        );
      if (own["istio.io/dataplane-mode"] === "ambient") continue;
      if (!injectionLabel && revision === undefined) {
        if (injectsByDefault(input, revision))
          report("IST0148", resource, "is injected, as the injector takes all namespaces by default", "metadata.name");
        else
          report(
            "IST0102",
            resource,
            `is not injected: label it istio-injection=enabled, or disabled to say that this is meant`,
            "metadata.name",
          );
      } else if (injectionLabel === "enabled") injected.add(name);
    }
    for (const pod of input.of("Pod")) {
      if (!injected.has(pod.ref.namespace) || isExempt(pod)) continue;
      if (!containersOf(pod.spec).some(({ name, image }) => name === PROXY_CONTAINER && text(image) !== ""))
        report("IST0103", pod, "has no proxy, though its namespace is injected: restart it");
    }
  },
};

export function isExempt({ labels, annotations, spec }: Resource): boolean {
  const wish = labels["sidecar.istio.io/inject"] ?? annotations["sidecar.istio.io/inject"] ?? "";
  return wish.toLowerCase() === "false" || spec.hostNetwork === true;
}

function injectsByDefault(input: Input, revision: string | undefined): boolean {
  return injectorMaps(input).some(
    ({ ref, values }) =>
      ref.name === injectorName(revision) && at(values, "sidecarInjectorWebhook", "enableNamespacesByDefault") === true,
  );
}

export function injectorName(revision: string | undefined): string {
  return revision === undefined || revision === "" || revision === "default"
    ? "istio-sidecar-injector"
    : `istio-sidecar-injector-${revision}`;
}

/** The ConfigMaps of injectors, and the values in them. */
export function injectorMaps(input: Input): readonly { readonly ref: Resource["ref"]; readonly values: unknown }[] {
  return input
    .of("ConfigMap")
    .filter(({ ref }) => ref.name.startsWith("istio-sidecar-injector"))
    .map(({ ref, document }) => ({ ref, values: parse(text(record(document.value.data).values)) }));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
