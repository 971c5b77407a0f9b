import { parseDuration } from "../../common/duration.ts";
import { isDnsLabel, wildcardHostFault } from "../../common/names.ts";
import { check, checkDuration, checkPort } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkLocality, checkZoneAware } from "../destination-rule/check-locality.ts";
import { checkConnectionPool, checkOutlierDetection } from "../destination-rule/check-pools.ts";
import type { HttpRetry } from "../virtual-service/http-route.ts";
import { checkRetry } from "../virtual-service/retry.ts";
import { checkExtensionProviders } from "./check-extension-providers.ts";
import { checkProxyConfig } from "./check-proxy-config.ts";
import type { MeshConfig } from "./schema.ts";

/** For the mesh configuration as a whole, defaults included. Source: Istio `pkg/config/validation/agent`. */
export function validateMeshConfig(mesh: MeshConfig, report: Report): void {
  checkPort(mesh.proxyListenPort ?? 0, report.at("proxyListenPort"));
  checkConnectTimeout(mesh.connectTimeout, report.at("connectTimeout"));
  const detection = parseDuration(mesh.protocolDetectionTimeout ?? "0s") ?? 0;
  if (Math.round(detection * 1e6) % 1e6 !== 0)
    report.at("protocolDetectionTimeout").error("invalid-duration", "durations are exact to milliseconds only");
  if (mesh.defaultConfig === undefined) report.at("defaultConfig").error("required", "is required");
  else checkProxyConfig(mesh.defaultConfig, report.at("defaultConfig"));
  // Failover of the whole mesh is meant for whoever detects outliers, so there is nothing to warn of here.
  checkLocality(mesh.localityLbSetting, true, report.at("localityLbSetting"));
  checkZoneAware(mesh.zoneAwareLbSetting, true, report.at("zoneAwareLbSetting"));
  for (const [index, { hosts }] of (mesh.serviceSettings ?? []).entries())
    for (const [hostIndex, host] of (hosts ?? []).entries())
      check(report.at("serviceSettings", index, "hosts", hostIndex), "invalid-host", wildcardHostFault(host));
  checkTrustDomain(mesh.trustDomain ?? "", report.at("trustDomain"));
  for (const [index, alias] of (mesh.trustDomainAliases ?? []).entries())
    checkTrustDomain(alias, report.at("trustDomainAliases", index));
  checkExtensionProviders(mesh.extensionProviders ?? [], report.at("extensionProviders"));
  if (mesh.meshMTLS?.ecdhCurves) report.at("meshMTLS", "ecdhCurves").error("unsupported", "cannot be set for the mesh");
  checkCurves(mesh.tlsDefaults?.ecdhCurves ?? [], report.at("tlsDefaults", "ecdhCurves"));
  checkConnectionPool(mesh.defaultTrafficPolicy?.connectionPool, report.at("defaultTrafficPolicy", "connectionPool"));
  checkOutlierDetection(
    mesh.defaultTrafficPolicy?.outlierDetection,
    report.at("defaultTrafficPolicy", "outlierDetection"),
  );
  checkInboundRetry(mesh.defaultInboundHttpRetryPolicy, report.at("defaultInboundHttpRetryPolicy"));
}

const HOUR = 3_600_000;

function checkConnectTimeout(timeout: string | undefined, report: Report): void {
  checkDuration(timeout ?? "0s", report);
  if ((parseDuration(timeout ?? "0s") ?? 0) > HOUR) report.error("out-of-range", "must be at most 1h");
}

/** DNS labels, a trailing dot allowed. */
function checkTrustDomain(domain: string, report: Report): void {
  const labels = domain.replace(/\.$/, "").split(".");
  if (!labels.every(isDnsLabel)) report.error("invalid-name", `${JSON.stringify(domain)} is not a valid trust domain`);
}

/** Source: BoringSSL. */
const CURVES: ReadonlySet<string> = new Set([
  "",
  "P-224",
  "P-256",
  "P-521",
  "P-384",
  "X25519",
  "X25519Kyber768Draft00",
  "X25519MLKEM768",
]);

function checkCurves(curves: readonly string[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, curve] of curves.entries())
    if (!CURVES.has(curve)) report.at(index).warning("unknown-value", `${curve} is not a known curve`);
    else if (seen.size === seen.add(curve).size) report.at(index).warning("duplicate", `${curve} is already there`);
}

const IGNORED_INBOUND = ["perTryTimeout", "retryRemoteLocalities", "retryIgnorePreviousHosts"] as const;

/** Inbound there is one endpoint, the workload itself, so what chooses or times several has no effect. */
function checkInboundRetry(retry: HttpRetry | undefined, report: Report): void {
  if (retry === undefined) return;
  checkRetry(retry, report);
  if (!retry.attempts && retry.backoff !== undefined)
    report.at("backoff").error("conflicting-fields", "0 attempts switch retries off, nothing else may be set then");
  for (const field of IGNORED_INBOUND)
    if (retry[field] !== undefined) report.at(field).warning("ineffective", "has no effect inbound");
}
