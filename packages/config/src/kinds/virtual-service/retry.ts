import { checkDuration } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { HttpRetry } from "./http-route.ts";

const RETRY_ON: ReadonlySet<string> = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

/** Status codes that have a name in the IANA registry, as Go's `net/http` knows them. */
const KNOWN_STATUS = /^(10[0-3]|20[0-8]|226|30[0-578]|30[2346]|40\d|41[0-8]|42[1-689]|431|451|50[0-8]|51[01])$/;

/** The retry policy of a route, or of the mesh. Source: Envoy router filter, `x-envoy-retry-on`. */
export function checkRetry(retry: HttpRetry | undefined, report: Report): void {
  if (retry === undefined) return;
  const { attempts = 0, perTryTimeout, retryOn, retryRemoteLocalities, backoff } = retry;
  if (attempts < 0) report.at("attempts").error("out-of-range", "must not be negative");
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn || retryRemoteLocalities !== undefined))
    report.error("conflicting-fields", "0 attempts switch retries off, nothing else may be set then");
  checkDuration(perTryTimeout, report.at("perTryTimeout"));
  for (const policy of retryOn ? retryOn.split(",") : [])
    if (!RETRY_ON.has(policy) && !KNOWN_STATUS.test(policy))
      report.at("retryOn").error("unknown-value", `${JSON.stringify(policy)} is not a known retry condition`);
  checkDuration(backoff, report.at("backoff"));
}
