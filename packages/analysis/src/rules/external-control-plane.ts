import { at, records, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";

/** Webhooks of a control plane outside the cluster are reached by URL, which should name a host. */
export const externalControlPlane: Rule = {
  name: "webhook/external-control-plane",
  codes: ["IST0163", "IST0164"],
  kinds: ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"],
  check(resource, report) {
    if (!isOfControlPlane(resource)) return;
    for (const [index, hook] of records(resource.document.value.webhooks).entries()) {
      const path = `webhooks[${index}].clientConfig`;
      const url = at(hook, "clientConfig", "url");
      const name = text(hook.name);
      if (typeof url !== "string") {
        if (at(hook, "clientConfig", "service") == null)
          report("IST0163", `the webhook ${name} has neither URL nor service`, path);
        continue;
      }
      const host = /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]*\]|[^/:?#]*)/i.exec(text(url))?.[1];
      if (/\s/.test(text(url)))
        report("IST0163", `the URL ${JSON.stringify(url)} of the webhook ${name} cannot be read`, path);
      else if (host !== undefined && /^(\d{1,3}(\.\d{1,3}){3}|\[.*\])$/.test(host))
        report("IST0164", `the URL of the webhook ${name} names an address: use a host name`, path);
    }
  },
};

function isOfControlPlane({ kind, ref: { name } }: Resource): boolean {
  return kind === "MutatingWebhookConfiguration"
    ? name.startsWith("istio-sidecar-injector")
    : name === "istiod-default-validator" || name.startsWith("istio-validator");
}
