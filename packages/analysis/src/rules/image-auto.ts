import type { Json } from "../json.ts";
import { at, labels, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { selectsByExpressions } from "../selector.ts";
import { PROXY_CONTAINER } from "../workload.ts";

/** The image `auto` is filled in by injection: where there is none, it cannot be pulled. */
export const imageAuto: Rule = {
  name: "injection/image-auto",
  codes: ["IST0146", "IST0147"],
  check(input, report) {
    const webhooks = input
      .of("MutatingWebhookConfiguration")
      .flatMap(({ document }) => records(document.value.webhooks))
      .filter(({ name }) => text(name).endsWith("istio.io"));
    const isAuto = (podSpec: unknown) =>
      records(at(podSpec, "containers")).some(({ name, image }: Json) => name === PROXY_CONTAINER && image === "auto");
    for (const pod of input.of("Pod"))
      if (isAuto(pod.spec))
        report("IST0147", pod, "runs a proxy with the image auto: it was not injected and cannot start");
    for (const deployment of input.of("Deployment")) {
      if (!isAuto(at(deployment.spec, "template", "spec"))) continue;
      const namespace = input.find("Namespace", "", deployment.ref.namespace || "default")?.labels ?? {};
      const own = labels(at(deployment.spec, "template", "metadata", "labels"));
      const injected = webhooks.some(
        ({ namespaceSelector, objectSelector }) =>
          selectsByExpressions(namespaceSelector, namespace) && selectsByExpressions(objectSelector, own),
      );
      if (!injected) report("IST0146", deployment, "has a proxy with the image auto, but no injector takes its Pods");
    }
  },
};
