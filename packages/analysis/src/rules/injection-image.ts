import type { Input, Resource } from "../input.ts";
import { at, labels, record, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { selects } from "../selector.ts";
import { containersOf, PROXY_CONTAINER } from "../workload.ts";
import { injectorMaps, injectorName, isExempt } from "./injection.ts";

/** Proxies run the image that the injector would give them now. */
export const injectionImage: Rule = {
  name: "injection/image",
  codes: ["IST0158"],
  check(input, report) {
    const images = new Map(injectorMaps(input).map(({ ref, values }) => [ref.name, proxyImage(values)]));
    if (images.size === 0) return;
    const mismatched = new Map<Resource, string[]>();
    for (const pod of input.of("Pod")) {
      const namespace = input.find("Namespace", "", pod.ref.namespace);
      const revision = namespace && revisionOf(namespace);
      if (namespace === undefined || revision === undefined || isExempt(pod)) continue;
      const image = images.get(injectorName(revision));
      if (image === undefined) continue;
      const variant = imageType(input, pod);
      for (const container of containersOf(pod.spec))
        if (
          container.name === PROXY_CONTAINER &&
          container.image !== image &&
          container.image !== `${image}-${variant}`
        )
          mismatched.set(namespace, [...(mismatched.get(namespace) ?? []), pod.ref.name]);
    }
    for (const [namespace, pods] of mismatched)
      report(
        "IST0158",
        namespace,
        `the Pods ${pods.sort().join(", ")} run another proxy image than the injector gives: restart them`,
      );
  },
};

function revisionOf({ labels: own }: Resource): string | undefined {
  const revision = own["istio.io/rev"];
  return own["istio-injection"] === "enabled" || revision !== undefined ? (revision ?? "default") : undefined;
}

function proxyImage(values: unknown): string {
  const image = text(at(values, "global", "proxy", "image"));
  return image.includes("/")
    ? image
    : `${String(at(values, "global", "hub") ?? "")}/${image}:${String(at(values, "global", "tag") ?? "")}`;
}

/** The image variant that ProxyConfigs, from the mesh down to the Pod, ask for. */
function imageType(input: Input, pod: Resource): string {
  const root = input.meshConfig.rootNamespace || "istio-system";
  const asked = [at(input.meshConfig, "defaultConfig", "image", "imageType")];
  const configs = input.of("ProxyConfig");
  const typeOf = ({ spec }: Resource) => at(spec, "image", "imageType");
  asked.push(...configs.filter(({ ref }) => ref.namespace === root).map(typeOf));
  const here = configs.filter(({ ref }) => ref.namespace === pod.ref.namespace);
  asked.push(...here.filter(({ spec }) => spec.selector === undefined).map(typeOf));
  asked.push(
    ...here
      .filter(
        ({ spec }) =>
          spec.selector !== undefined && selects(labels(at(record(spec.selector), "matchLabels")), pod.labels),
      )
      .map(typeOf),
  );
  asked.push(/imageType:\s*(\S+)/.exec(pod.annotations["proxy.istio.io/config"] ?? "")?.[1]);
  const type = asked.map(text).filter(Boolean).at(-1) ?? "";
  return type === "default" ? "" : type;
}
