import { checkAtMostOne } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { ServerTls } from "./server-tls.ts";

/** Names of BoringSSL, without those for pre-shared keys. */
const CIPHER_SUITES: ReadonlySet<string> = new Set([
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-SHA",
  "AES256-SHA",
  "DES-CBC3-SHA",
]);

/** Whether Envoy knows the cipher suite; expressions (`-ALL`, `[A|B]`) are left to Envoy. */
export function isCipherSuite(name: string): boolean {
  return name === "" || name === "ALL" || !/^[\p{L}\p{N}]/u.test(name) || CIPHER_SUITES.has(name);
}

/** TLS of a server: of a gateway, or of a sidecar's ingress listener. */
export function checkServerTls(tls: ServerTls | undefined, report: Report): void {
  if (tls === undefined) return;
  checkAtMostOne(tls, ["tlsCertificates", "credentialNames"], report);
  checkAtMostOne(tls, ["credentialName", "credentialNames"], report);
  checkCiphers(tls, report);
  const mode = tls.mode ?? "PASSTHROUGH";
  const own = CERTIFICATE_FIELDS.filter((field) => (tls[field]?.length ?? 0) > 0);
  if (mode === "ISTIO_MUTUAL") {
    for (const field of own)
      if (field !== "caCrl") report.at(field).error("conflicting-fields", "ISTIO_MUTUAL uses the mesh's certificates");
    return;
  }
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") {
    if (own.length > 0) report.warning("ineffective", `${mode} uses no certificates; ${own.join(", ")} are ignored`);
  }
  checkSources(tls, mode, report);
}

const CERTIFICATE_FIELDS = [
  "serverCertificate",
  "privateKey",
  "caCertificates",
  "caCrl",
  "tlsCertificates",
  "credentialName",
  "credentialNames",
] as const;

function checkCiphers(tls: ServerTls, report: Report): void {
  const { minProtocolVersion, cipherSuites = [] } = tls;
  if ((minProtocolVersion === "TLSV1_0" || minProtocolVersion === "TLSV1_1") && cipherSuites.length === 0)
    report.at("minProtocolVersion").warning("ineffective", "below TLS 1.2 cipherSuites must be set too");
  const at = report.at("cipherSuites");
  const unknown = cipherSuites.filter((name) => !isCipherSuite(name));
  if (unknown.length > 0) at.warning("unknown-value", `ignored, because unknown: ${unknown.join(", ")}`);
  const names = new Set<string>();
  const twice = new Set(cipherSuites.filter((name) => isCipherSuite(name) && names.size === names.add(name).size));
  if (twice.size > 0) at.warning("duplicate", `ignored, because already there: ${[...twice].join(", ")}`);
}

function checkSources(tls: ServerTls, mode: string, report: Report): void {
  const { serverCertificate, privateKey, credentialName, credentialNames = [], tlsCertificates = [] } = tls;
  const sources = [
    serverCertificate && privateKey,
    credentialName,
    credentialNames.length > 0,
    tlsCertificates.length > 0,
  ].filter(Boolean).length;
  if (sources > 1) report.error("conflicting-fields", "certificates must come from one source only");
  const terminates = mode === "SIMPLE" || mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL";
  if (terminates && (credentialName || credentialNames.length > 0)) return;
  if (terminates) {
    if (mode !== "SIMPLE" && !tls.caCertificates)
      report.at("caCertificates").error("required", `is required for ${mode}`);
    if (tlsCertificates.length > 0)
      for (const [index, certificate] of tlsCertificates.entries())
        checkPair(certificate, mode, report.at("tlsCertificates", index));
    else checkPair(tls, mode, report);
  }
  if (tls.caCrl && credentialName) report.at("caCrl").error("conflicting-fields", "belongs into the credential");
  if (tls.caCrl && mode === "SIMPLE") report.at("caCrl").error("conflicting-fields", "is not supported for SIMPLE");
}

function checkPair(
  pair: { readonly serverCertificate?: string; readonly privateKey?: string },
  mode: string,
  report: Report,
): void {
  for (const field of ["serverCertificate", "privateKey"] as const)
    if (!pair[field]) report.at(field).error("required", `is required for ${mode}`);
}
