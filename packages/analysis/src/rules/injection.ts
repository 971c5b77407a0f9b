import { INJECTOR_MAPS, injectorsOf } from "../injectors.ts";
import { at, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Report, Rule } from "../rule.ts";
import { containersOf, isExempt, PROXY_CONTAINER } from "../workload.ts";
import type { World } from "../world.ts";

/** Namespaces say whether their Pods are injected, in one way; the Pods of those that are have a proxy. */
export const injection: Rule = {
  name: "injection/namespace",
  codes: ["IST0102", "IST0103", "IST0123", "IST0148"],
  kinds: ["Namespace", "Pod"],
  indexes: [INJECTOR_MAPS],
  check(resource, report, world) {
    if (resource.kind === "Namespace") {
      if (resource.ref.name !== "istio-system") judgeNamespace(resource, report, world);
      return;
    }
    const namespace = world.find("Namespace", "", resource.ref.namespace);
    if (!namespace || !isInjected(namespace) || isExempt(resource)) return;
    const proxy = containersOf(resource.spec).find(({ name }) => name === PROXY_CONTAINER);
    if (text(proxy?.image) === "") report("IST0103", "has no proxy, though its namespace is injected: restart it");
  },
};

function isInjected({ ref, labels }: Resource): boolean {
  return (
    ref.name !== "istio-system" &&
    labels["istio.io/dataplane-mode"] !== "ambient" &&
    labels["istio-injection"] === "enabled"
  );
}

function judgeNamespace({ labels }: Resource, report: Report, world: World): void {
  const injectionLabel = labels["istio-injection"];
  const revision = labels["istio.io/rev"];
  const said = injectionLabel === undefined ? [] : [`istio-injection=${injectionLabel}`];
  for (const key of ["istio.io/rev", "istio.io/dataplane-mode"])
    if (labels[key] !== undefined && (injectionLabel === undefined || injectionLabel === "enabled"))
      said.push(`${key}=${labels[key]}`);
  if (said.length > 1)
    report("IST0123", `has the labels ${said.join(" and ")}, of which one only counts`, "metadata.labels");
  if (labels["istio.io/dataplane-mode"] === "ambient" || injectionLabel || revision !== undefined) return;
  const byDefault = injectorsOf(world, undefined).some(
    (values) => at(values, "sidecarInjectorWebhook", "enableNamespacesByDefault") === true,
  );
  if (byDefault) report("IST0148", "is injected, as the injector takes all namespaces by default", "metadata.name");
  else
    report(
      "IST0102",
      "is not injected: label it istio-injection=enabled, or disabled to say that this is meant",
      "metadata.name",
    );
}
