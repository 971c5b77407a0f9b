import { parseDuration } from "../../common/duration.ts";
import { checkDuration } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { ConnectionPool, OutlierDetection } from "./connection-pool.ts";

const COUNTS = [
  "http1MaxPendingRequests",
  "http2MaxRequests",
  "maxRequestsPerConnection",
  "maxRetries",
  "maxConcurrentStreams",
] as const;

export function checkConnectionPool(pool: ConnectionPool | undefined, report: Report): void {
  if (pool === undefined) return;
  const { http, tcp } = pool;
  if (!http && !tcp) report.error("required", "one of http, tcp is required");
  if (http) {
    const at = report.at("http");
    for (const field of COUNTS) if ((http[field] ?? 0) < 0) at.at(field).error("out-of-range", "must not be negative");
    checkDuration(http.idleTimeout, at.at("idleTimeout"));
    if (http.h2UpgradePolicy === "UPGRADE" && http.useClientProtocol)
      at.at("useClientProtocol").error("conflicting-fields", "must not be true when h2UpgradePolicy is UPGRADE");
    if (http.http2KeepAlive)
      for (const field of ["interval", "timeout"] as const) {
        if (http.http2KeepAlive[field] === undefined) at.at("http2KeepAlive", field).error("required", "is required");
        checkDuration(http.http2KeepAlive[field], at.at("http2KeepAlive", field));
      }
  }
  if (tcp) {
    const at = report.at("tcp");
    if ((tcp.maxConnections ?? 0) < 0) at.at("maxConnections").error("out-of-range", "must not be negative");
    checkDuration(tcp.connectTimeout, at.at("connectTimeout"));
    checkDuration(tcp.maxConnectionDuration, at.at("maxConnectionDuration"));
    // Less than a millisecond counts as 0s, which switches the timeout off.
    if (Math.trunc(parseDuration(tcp.idleTimeout ?? "0") ?? 0) !== 0)
      checkDuration(tcp.idleTimeout, at.at("idleTimeout"));
    checkDuration(tcp.tcpKeepalive?.time, at.at("tcpKeepalive", "time"));
    checkDuration(tcp.tcpKeepalive?.interval, at.at("tcpKeepalive", "interval"));
  }
}

export function checkOutlierDetection(outlier: OutlierDetection | undefined, report: Report): void {
  if (outlier === undefined) return;
  checkDuration(outlier.baseEjectionTime, report.at("baseEjectionTime"));
  checkDuration(outlier.interval, report.at("interval"));
  if (outlier.consecutiveErrors)
    report.at("consecutiveErrors").warning("deprecated", "use consecutiveGatewayErrors or consecutive5xxErrors");
  if (!outlier.splitExternalLocalOriginErrors && (outlier.consecutiveLocalOriginFailures ?? 0) > 0)
    report
      .at("consecutiveLocalOriginFailures")
      .error("conflicting-fields", "needs splitExternalLocalOriginErrors to be true");
  for (const field of ["maxEjectionPercent", "minHealthPercent"] as const) {
    const value = outlier[field] ?? 0;
    if (value < 0 || value > 100) report.at(field).error("out-of-range", `must be from 0 to 100, is ${value}`);
  }
}
