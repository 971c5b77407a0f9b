import { parseDuration } from "../../common/duration.ts";
import { fqdnFault } from "../../common/names.ts";
import { check, checkDuration, checkPort, hostPortFault } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkClientTls } from "../destination-rule/check-client-tls.ts";
import type { ConnectionSettings, MeshProxyConfig, PrivateKeyProvider } from "./proxy-config.ts";
import type { ProxyTracing } from "./proxy-tracing.ts";

/** Source: Istio `pkg/config/validation/agent`. */
export function checkProxyConfig(config: MeshProxyConfig, report: Report): void {
  for (const field of ["configPath", "binaryPath", "discoveryAddress"] as const)
    if (!config[field]) report.at(field).error("required", "is required");
  if (config.tracingServiceName === undefined && !config.serviceCluster)
    report.at("serviceCluster").error("required", "one of serviceCluster, tracingServiceName is required");
  checkDuration(config.drainDuration ?? "0s", report.at("drainDuration"));
  if (Math.round((parseDuration(config.drainDuration ?? "0s") ?? 0) * 1e6) % 1e9 !== 0)
    report.at("drainDuration").error("invalid-duration", "must be whole seconds");
  checkAddress(config.discoveryAddress, report.at("discoveryAddress"));
  if (config.tracing) checkTracing(config.tracing, report.at("tracing"));
  checkAddress(config.statsdUdpAddress, report.at("statsdUdpAddress"));
  checkAddress(config.envoyMetricsServiceAddress, report.at("envoyMetricsServiceAddress"));
  if (config.envoyMetricsServiceAddress)
    report.at("envoyMetricsServiceAddress").warning("deprecated", "use envoyMetricsService");
  if (Object.hasOwn(config.proxyMetadata ?? {}, "ISTIO_META_DNS_AUTO_ALLOCATE"))
    report
      .at("proxyMetadata", "ISTIO_META_DNS_AUTO_ALLOCATE")
      .warning("deprecated", "addresses are allocated by the control plane now");
  for (const field of ["envoyMetricsService", "envoyAccessLogService"] as const)
    checkAddress(config[field]?.address, report.at(field, "address"));
  checkPort(config.proxyAdminPort ?? 0, report.at("proxyAdminPort"));
  if (config.controlPlaneAuthPolicy === "INHERIT")
    report.at("controlPlaneAuthPolicy").error("unknown-value", "must be NONE or MUTUAL_TLS");
  checkPort(config.statusPort ?? 0, report.at("statusPort"));
  if (config.privateKeyProvider) checkKeyProvider(config.privateKeyProvider, report.at("privateKeyProvider"));
  if (config.connectionSettings) checkConnections(config.connectionSettings, report.at("connectionSettings"));
}

function checkAddress(address: string | undefined, report: Report): void {
  if (address) check(report, "invalid-address", hostPortFault(address, fqdnFault));
}

function checkTracing({ lightstep, zipkin, datadog, tlsSettings }: ProxyTracing, report: Report): void {
  if (lightstep) {
    const at = report.at("lightstep");
    check(at.at("address"), "invalid-address", hostPortFault(lightstep.address ?? "", fqdnFault));
    if (!lightstep.accessToken) at.at("accessToken").error("required", "is required");
  }
  // The agents of these run on every node, whose address is filled in.
  for (const [field, collector] of [
    ["zipkin", zipkin],
    ["datadog", datadog],
  ] as const)
    if (collector) {
      const address = (collector.address ?? "").replace("$(HOST_IP)", "127.0.0.1");
      check(report.at(field, "address"), "invalid-address", hostPortFault(address, fqdnFault));
    }
  checkClientTls(tlsSettings, "", report.at("tlsSettings"));
}

function checkKeyProvider(provider: PrivateKeyProvider, report: Report): void {
  const kind = provider.cryptomb ? "cryptomb" : provider.qat ? "qat" : undefined;
  if (kind === undefined) {
    report.error("required", "one of cryptomb, qat is required");
    return;
  }
  const delay = provider[kind]?.pollDelay;
  if (delay === undefined) report.at(kind, "pollDelay").error("required", "is required");
  else if (parseDuration(delay) === 0) report.at(kind, "pollDelay").error("out-of-range", "must not be 0");
}

const NOT_NEGATIVE = ["listenerPerConnectionBufferLimitBytes", "clusterPerConnectionBufferLimitBytes"] as const;
const POSITIVE = ["httpMaxConcurrentStreams", "listenerConnectionLimit", "globalDownstreamConnectionLimit"] as const;
const WINDOWS = ["http2InitialStreamWindowSize", "http2InitialConnectionWindowSize"] as const;
const TIMEOUTS = [
  "httpIdleTimeout",
  "httpMaxConnectionDuration",
  "httpDrainTimeout",
  "httpRequestTimeout",
  "httpRequestHeadersTimeout",
  "httpStreamIdleTimeout",
  "httpMaxStreamDuration",
] as const;

/** The smallest window of HTTP/2 (RFC 9113, section 6.9.2). */
const MIN_WINDOW = 65_535;

function checkConnections(settings: ConnectionSettings, report: Report): void {
  const atLeast = (fields: readonly (keyof ConnectionSettings)[], min: number) => {
    for (const field of fields) {
      const value = settings[field];
      if (typeof value === "number" && value < min)
        report.at(field).error("out-of-range", `must be at least ${min}, is ${value}`);
    }
  };
  atLeast(NOT_NEGATIVE, 0);
  atLeast(POSITIVE, 1);
  atLeast(WINDOWS, MIN_WINDOW);
  for (const field of TIMEOUTS)
    if ((parseDuration(settings[field] ?? "0s") ?? 0) < 0)
      report.at(field).error("out-of-range", "must not be negative");
}
