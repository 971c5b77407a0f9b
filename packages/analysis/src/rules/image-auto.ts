import type { Json } from "../json.ts";
import { at, labels, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { selectsByExpressions } from "../selector.ts";
import { PROXY_CONTAINER } from "../workload.ts";
import type { World } from "../world.ts";

/** The image `auto` is filled in by injection: where there is none, it cannot be pulled. */
export const imageAuto: Rule = {
  name: "injection/image-auto",
  codes: ["IST0146", "IST0147"],
  kinds: ["Pod", "Deployment"],
  check({ kind, ref, spec }, report, world) {
    if (kind === "Pod") {
      if (isAuto(spec)) report("IST0147", "runs a proxy with the image auto: it was not injected and cannot start");
      return;
    }
    if (!isAuto(at(spec, "template", "spec"))) return;
    const namespace = world.find("Namespace", "", ref.namespace || "default")?.labels ?? {};
    const own = labels(at(spec, "template", "metadata", "labels"));
    const injected = injectors(world).some(
      ({ namespaceSelector, objectSelector }) =>
        selectsByExpressions(namespaceSelector, namespace) && selectsByExpressions(objectSelector, own),
    );
    if (!injected) report("IST0146", "has a proxy with the image auto, but no injector takes its Pods");
  },
};

function isAuto(podSpec: unknown): boolean {
  return records(at(podSpec, "containers")).some(({ name, image }) => name === PROXY_CONTAINER && image === "auto");
}

function injectors(world: World): readonly Json[] {
  return world
    .all("MutatingWebhookConfiguration")
    .flatMap(({ document }) => records(document.value.webhooks))
    .filter(({ name }) => text(name).endsWith("istio.io"));
}
