import type { Report } from "../../validation/report.ts";
import type { ClientTls } from "./client-tls.ts";

/** TLS towards a destination. `namespace` is that of the object: a ConfigMap must be in it. */
export function checkClientTls(tls: ClientTls | undefined, namespace: string, report: Report): void {
  if (tls === undefined) return;
  const { mode, credentialName, clientCertificate, privateKey, caCertificates, caCrl } = tls;
  if (credentialName?.startsWith("configmap://"))
    checkConfigMap(credentialName, namespace, report.at("credentialName"));
  if (tls.insecureSkipVerify) {
    const excluded = mode === "MUTUAL" ? CA_FIELDS.filter((field) => field !== "credentialName") : CA_FIELDS;
    if (mode === "SIMPLE" || mode === "MUTUAL")
      for (const field of excluded)
        if (tls[field]?.length)
          report.at(field).error("conflicting-fields", `${field} and insecureSkipVerify exclude each other`);
  }
  if ((mode === "SIMPLE" || mode === "MUTUAL") && credentialName) {
    if (clientCertificate || privateKey || caCertificates || caCrl)
      report.error("conflicting-fields", "credentialName and certificate files exclude each other");
    return;
  }
  if (mode === "MUTUAL") {
    if (!clientCertificate) report.at("clientCertificate").error("required", "is required for mutual TLS");
    if (!privateKey) report.at("privateKey").error("required", "is required for mutual TLS");
  }
}

const CA_FIELDS = ["caCertificates", "credentialName", "subjectAltNames"] as const;

function checkConfigMap(name: string, namespace: string, report: Report): void {
  const [from, map] = name.slice("configmap://".length).split("/");
  if (!from || !map) report.error("invalid-name", "must have the form configmap://namespace/name");
  else if (from !== namespace) report.error("invalid-name", `must be in the namespace ${JSON.stringify(namespace)}`);
}
