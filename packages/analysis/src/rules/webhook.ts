import { at, type Json, labels, records, text, texts } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";
import { selectsByExpressions } from "../selector.ts";

const REVISION = "istio.io/rev";

/** No Pod is injected twice, and the injector's Service exists. */
export const webhook: Rule = {
  name: "webhook/injector",
  codes: ["IST0139"],
  kinds: ["MutatingWebhookConfiguration"],
  check(judged, report, world) {
    const configurations = world.all("MutatingWebhookConfiguration");
    const hooks = configurations.flatMap((resource) => {
      const own = records(resource.document.value.webhooks);
      const ours = revisionsOf(resource, own).length > 0 || own.some(({ name }) => text(name).endsWith("istio.io"));
      return ours ? own.map((hook) => ({ resource, hook, id: `${resource.fullName}/${text(hook.name)}` })) : [];
    });
    const revisions = [
      ...new Set(
        configurations.flatMap((resource) => revisionsOf(resource, records(resource.document.value.webhooks))),
      ),
    ];
    for (const namespace of combinations("istio-injection", ["enabled", "disabled"], revisions))
      for (const object of combinations("sidecar.istio.io/inject", ["true", "false"], revisions)) {
        const matching = hooks.filter(
          ({ hook }) =>
            selectsByExpressions(hook.namespaceSelector, namespace) &&
            selectsByExpressions(hook.objectSelector, object),
        );
        const ids = new Set(matching.map(({ id }) => id));
        if (ids.size < 2) continue;
        for (const id of ids) {
          const one = matching.find((other) => other.id === id);
          const others = [...ids].filter((other) => other !== id).sort();
          if (one?.resource === judged)
            report("IST0139", `the webhook ${id} overlaps with ${others.join(", ")}: Pods may be injected twice`);
        }
      }
    for (const { resource, hook } of hooks) {
      if (resource !== judged) continue;
      const service = at(hook, "clientConfig", "service");
      if (service === undefined) continue;
      const [namespace, name] = [text(at(service, "namespace")), text(at(service, "name"))];
      if (!world.find("Service", namespace, name))
        report("IST0139", `its control plane's Service ${namespace}/${name} does not exist`);
    }
  },
};

function combinations(
  label: string,
  values: readonly string[],
  revisions: readonly string[],
): readonly Readonly<Record<string, string>>[] {
  const bases: Readonly<Record<string, string>>[] = [{}, ...values.map((value) => ({ [label]: value }))];
  return [...bases, ...revisions.flatMap((revision) => bases.map((base) => ({ ...base, [REVISION]: revision })))];
}

function revisionsOf(resource: Resource, hooks: readonly Json[]): readonly string[] {
  const named = hooks.flatMap((hook) =>
    [hook.namespaceSelector, hook.objectSelector].flatMap((selector) => [
      ...[labels(at(selector, "matchLabels"))[REVISION]].filter((revision) => revision !== undefined),
      ...records(at(selector, "matchExpressions"))
        .filter(({ key }) => key === REVISION)
        .flatMap(({ values }) => texts(values)),
    ]),
  );
  const own = resource.labels[REVISION];
  return own === undefined ? named : [own, ...named];
}
