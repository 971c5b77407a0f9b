import type { Input, Resource } from "../input.ts";
import { at, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** Webhooks of a control plane outside the cluster are reached by URL, which should name a host. */
export const externalControlPlane: Rule = {
  name: "webhook/external-control-plane",
  codes: ["IST0163", "IST0164"],
  check(input, report) {
    for (const [resource, hook, path] of hooksOf(input)) {
      const url = at(hook, "clientConfig", "url");
      const name = text(hook.name);
      if (typeof url !== "string") {
        if (at(hook, "clientConfig", "service") == null)
          report("IST0163", resource, `the webhook ${name} has neither URL nor service`, path);
        continue;
      }
      const host = /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]*\]|[^/:?#]*)/i.exec(text(url))?.[1];
      if (/\s/.test(text(url)))
        report("IST0163", resource, `the URL ${JSON.stringify(url)} of the webhook ${name} cannot be read`, path);
      else if (host !== undefined && /^(\d{1,3}(\.\d{1,3}){3}|\[.*\])$/.test(host))
        report("IST0164", resource, `the URL of the webhook ${name} names an address: use a host name`, path);
    }
  },
};

function hooksOf(input: Input): readonly (readonly [Resource, Readonly<Record<string, unknown>>, string])[] {
  const validating = input
    .of("ValidatingWebhookConfiguration")
    .filter(({ ref }) => ref.name === "istiod-default-validator" || ref.name.startsWith("istio-validator"));
  const mutating = input
    .of("MutatingWebhookConfiguration")
    .filter(({ ref }) => ref.name.startsWith("istio-sidecar-injector"));
  return [...validating, ...mutating].flatMap((resource) =>
    records(resource.document.value.webhooks).map(
      (hook, index) => [resource, hook, `webhooks[${index}].clientConfig`] as const,
    ),
  );
}
