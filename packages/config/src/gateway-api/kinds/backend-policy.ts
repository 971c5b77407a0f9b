// BackendTLSPolicy, XBackend and XBackendTrafficPolicy. Fields of sigs.k8s.io/gateway-api apis/v1 and apisx/v1alpha1,
// limits and rules as in the CRDs.
import { parseDuration } from "../../common/duration.ts";
import { choice, type Infer, int32, list, map, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import {
  gatewayDuration,
  group,
  hostname,
  kindName,
  objectName,
  optionValue,
  portNumber,
  preciseHostname,
  sectionName,
} from "./names.ts";
import { localObjectReference, secretReference } from "./references.ts";
import { sessionPersistence, validateSessionPersistence } from "./route.ts";

const subjectAltName = message({
  type: required(choice("Hostname", "URI")),
  hostname,
  uri: text({ min: 1, max: 253, pattern: /^(([^:/?#]+):)(\/\/([^/?#]*))([^?#]*)(\?([^#]*))?(#(.*))?/ }),
});

export const tlsValidation = message({
  caCertificateRefs: list(localObjectReference, { max: 8 }),
  wellKnownCACertificates: text({
    min: 1,
    max: 253,
    pattern:
      /^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$/,
  }),
  hostname: required(preciseHostname),
  subjectAltNames: list(subjectAltName, { max: 5 }),
});
/** What a backend's certificate must be. */
export type TlsValidation = Infer<typeof tlsValidation>;

const policyTarget = message({
  group: required(group),
  kind: required(kindName),
  name: required(objectName),
  sectionName,
});
export type SectionTarget = Infer<typeof policyTarget>;

export const backendTlsPolicy = message({
  targetRefs: required(list(policyTarget, { min: 1, max: 16 })),
  validation: required(tlsValidation),
  options: map(optionValue, { max: 16 }),
});
/** TLS to the backends that it targets. */
export type BackendTlsPolicy = Infer<typeof backendTlsPolicy>;

export const backend = message({
  type: required(choice("ExternalHostname")),
  externalHostname: message({ hostname: required(preciseHostname) }),
  port: required(message({ name: text({ max: 63 }), port: required(portNumber) })),
  protocol: choice("TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP"),
  tls: message({
    mode: required(choice("None", "ServerOnly", "ClientAndServer")),
    clientCertificateRef: secretReference,
    validation: tlsValidation,
  }),
});
/** A host outside the cluster (experimental). */
export type Backend = Infer<typeof backend>;

export const backendTrafficPolicy = message({
  targetRefs: required(list(localObjectReference, { min: 1, max: 16 })),
  retryConstraint: message({
    budget: message({ percent: int32({ min: 0, max: 100 }), interval: gatewayDuration }),
    minRetryRate: message({ count: int32({ min: 1, max: 1_000_000 }), interval: gatewayDuration }),
  }),
  sessionPersistence,
});
/** Retry budgets of Services (experimental). */
export type BackendTrafficPolicy = Infer<typeof backendTrafficPolicy>;

function validateTlsValidation(validation: TlsValidation | undefined, report: Report): void {
  if (!validation) return;
  const references = (validation.caCertificateRefs ?? []).length > 0;
  const known = validation.wellKnownCACertificates !== undefined;
  if (references && known)
    report.error("conflicting-fields", "must not contain both caCertificateRefs and wellKnownCACertificates");
  if (!references && !known)
    report.error("required", "must specify either caCertificateRefs or wellKnownCACertificates");
  (validation.subjectAltNames ?? []).forEach((name, index) => {
    for (const [type, field] of [
      ["Hostname", "hostname"],
      ["URI", "uri"],
    ] as const) {
      const at = report.at("subjectAltNames", index, field);
      if (name.type === type && name[field] === undefined) at.error("required", `must be set for type ${type}`);
      if (name.type !== type && name[field] !== undefined)
        at.error("conflicting-fields", `must not be set for type ${name.type}`);
    }
  });
}

export function validateBackendTlsPolicy({ spec }: { readonly spec: BackendTlsPolicy }, report: Report): void {
  const seen = new Map<string, SectionTarget[]>();
  (spec.targetRefs ?? []).forEach((target, index) => {
    const key = [target.group, target.kind, target.name].join("/");
    const others = seen.get(key) ?? [];
    seen.set(key, [...others, target]);
    const at = report.at("targetRefs", index);
    if (others.some((other) => (other.sectionName === undefined) !== (target.sectionName === undefined)))
      at.error("ambiguous-target", "sectionName must be specified in every reference to the same target");
    else if (others.some((other) => other.sectionName === target.sectionName))
      at.error("duplicate", "sectionName must be unique among references to the same target");
  });
  validateTlsValidation(spec.validation, report.at("validation"));
}

export function validateBackendResource({ spec }: { readonly spec: Backend }, report: Report): void {
  if (spec.type === "ExternalHostname" && !spec.externalHostname)
    report.at("externalHostname").error("required", "must be set when type is ExternalHostname");
  const host = spec.externalHostname?.hostname ?? "";
  if (host.endsWith(".cluster.local"))
    report.at("externalHostname", "hostname").error("invalid-host", "must not end with .cluster.local");
  if (spec.port?.name && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(spec.port.name))
    report.at("port", "name").error("invalid-name", "must be a DNS label");
  if (!spec.tls) return;
  const mutual = spec.tls.mode === "ClientAndServer";
  if (mutual && !spec.tls.clientCertificateRef)
    report.at("tls", "clientCertificateRef").error("required", "must be set when mode is ClientAndServer");
  if (!mutual && spec.tls.clientCertificateRef)
    report
      .at("tls", "clientCertificateRef")
      .error("conflicting-fields", "may be set only when mode is ClientAndServer");
  validateTlsValidation(spec.tls.validation, report.at("tls", "validation"));
}

export function validateBackendTrafficPolicy({ spec }: { readonly spec: BackendTrafficPolicy }, report: Report): void {
  const seen = new Set<string>();
  (spec.targetRefs ?? []).forEach(({ group: of, kind, name }, index) => {
    const key = [of, kind, name].join("/");
    if (seen.has(key)) report.at("targetRefs", index).error("duplicate", "two items have the same target");
    seen.add(key);
  });
  const { budget, minRetryRate } = spec.retryConstraint ?? {};
  const interval = (text: string | undefined, least: number, at: Report) => {
    const length = parseDuration(text ?? "");
    if (length !== undefined && (length < least || length > 3_600_000))
      at.error("out-of-range", `must be between ${least >= 1_000 ? "1s" : "1ms"} and 1h`);
  };
  interval(budget?.interval, 1_000, report.at("retryConstraint", "budget", "interval"));
  interval(minRetryRate?.interval, 1, report.at("retryConstraint", "minRetryRate", "interval"));
  validateSessionPersistence(spec.sessionPersistence, report.at("sessionPersistence"));
}
