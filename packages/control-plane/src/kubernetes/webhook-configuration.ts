import { KINDS, type KindDefinition } from "@fairlead/config";

export interface WebhookOptions {
  readonly name: string;
  /** Where the API server finds the webhook: a URL with host and port, or a Service in the cluster. */
  readonly at:
    | { readonly url: string }
    | { readonly namespace: string; readonly service: string; readonly port?: number };
  /** PEM: roots of the webhook's certificate. */
  readonly caBundle: string;
  /**
   * What happens to objects while no replica answers: `Fail` (default) refuses them, so that nothing unchecked gets in;
   * `Ignore` lets them in. The stores check every object again, so `Ignore` costs the user the early answer, not safety.
   */
  readonly failurePolicy?: "Fail" | "Ignore";
  /** Seconds until the API server gives up, 1 to 30. Default 10. */
  readonly timeoutSeconds?: number;
}

/** The ValidatingWebhookConfiguration (admissionregistration.k8s.io/v1) that has every kind of ours reviewed. */
export function webhookConfiguration(options: WebhookOptions) {
  const { name, at, caBundle, failurePolicy = "Fail", timeoutSeconds = 10 } = options;
  const groups = new Map<string, { versions: Set<string>; resources: string[] }>();
  for (const { group, versions, plural } of Object.values<KindDefinition>(KINDS)) {
    const rule = groups.get(group) ?? { versions: new Set<string>(), resources: [] };
    for (const version of versions) rule.versions.add(version);
    rule.resources.push(plural);
    groups.set(group, rule);
  }
  const rules = [...groups].map(([group, { versions, resources }]) => ({
    apiGroups: [group],
    apiVersions: [...versions],
    operations: ["CREATE", "UPDATE"],
    resources,
    scope: "Namespaced",
  }));
  const where =
    "url" in at
      ? { url: `${at.url.replace(/\/$/, "")}/validate` }
      : { service: { namespace: at.namespace, name: at.service, port: at.port ?? 443, path: "/validate" } };
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: `${name}.fairlead.dev`,
        rules,
        clientConfig: { ...where, caBundle: Buffer.from(caBundle, "utf8").toString("base64") },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        matchPolicy: "Exact",
        failurePolicy,
        timeoutSeconds,
      },
    ],
  } as const;
}
