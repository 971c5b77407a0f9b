import { INJECTOR_MAPS, injectorsOf } from "../injectors.ts";
import { at, labels, record, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { PODS_BY_LABEL, selectedPods } from "../selection.ts";
import { selects } from "../selector.ts";
import { containersOf, isExempt, PROXY_CONTAINER } from "../workload.ts";
import type { World } from "../world.ts";

const PROXY_CONFIGS: ResourceIndex = {
  name: "proxy configs",
  kinds: ["ProxyConfig"],
  keys: ({ ref }) => [ref.namespace],
};

/** Proxies run the image that the injector would give them now. */
export const injectionImage: Rule = {
  name: "injection/image",
  codes: ["IST0158"],
  kinds: ["Namespace"],
  indexes: [INJECTOR_MAPS, PODS_BY_LABEL, PROXY_CONFIGS],
  check(namespace, report, world) {
    const revision = revisionOf(namespace);
    const injectors = revision === undefined ? [] : injectorsOf(world, revision);
    if (injectors.length === 0) return;
    const image = proxyImage(injectors.at(-1));
    const mismatched = [...selectedPods(world, namespace.ref.name, {})].flatMap((pod) => {
      if (isExempt(pod)) return [];
      const expected = [image, `${image}-${imageType(world, pod)}`];
      return containersOf(pod.spec)
        .filter((container) => container.name === PROXY_CONTAINER && !expected.includes(String(container.image)))
        .map(() => pod.ref.name);
    });
    if (mismatched.length > 0)
      report(
        "IST0158",
        `the Pods ${mismatched.sort().join(", ")} run another proxy image than the injector gives: restart them`,
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
function imageType(world: World, pod: Resource): string {
  const asked = [at(world.meshConfig, "defaultConfig", "image", "imageType")];
  const typeOf = ({ spec }: Resource) => at(spec, "image", "imageType");
  asked.push(...world.under(PROXY_CONFIGS, world.rootNamespace).map(typeOf));
  const here = world.under(PROXY_CONFIGS, pod.ref.namespace);
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
