import { parseDuration } from "@fairlead/config";
import type { Cluster } from "../envoy.ts";
import type { Host } from "./host.ts";

/** Envoy's passive health checks, with its defaults filled in. Times in milliseconds. */
export interface OutlierSettings {
  readonly interval: number;
  readonly baseEjection: number;
  readonly maxEjection: number;
  readonly maxPercent: number;
  readonly alwaysOne: boolean;
  /** Failures in a row after which a host is ejected; undefined where its failures are not counted. */
  readonly threshold: (host: Host) => number | undefined;
}

/**
 * The outlier detection of a cluster: by consecutive failures, which is what a mesh configures. A detector that is enforced for a
 * share of its findings only ejects at the first whole one. Source: envoy.config.cluster.v3.OutlierDetection.
 */
export function outlierSettings({ outlierDetection: given }: Cluster): OutlierSettings | undefined {
  if (given === undefined) return undefined;
  const duration = (text: string | undefined, absent: number) =>
    text === undefined ? absent : (parseDuration(text) ?? absent);
  const baseEjection = duration(given.baseEjectionTime, 30_000);
  const split = given.splitExternalLocalOriginErrors ?? false;
  const detector = (failures = 5, enforcing = 100) =>
    enforcing > 0 && failures > 0 ? failures * Math.ceil(100 / enforcing) : undefined;
  const least = (...thresholds: (number | undefined)[]) => {
    const set = thresholds.filter((one) => one !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  };
  const server = detector(given.consecutive5xx, given.enforcingConsecutive5xx);
  const gateway = detector(given.consecutiveGatewayFailure, given.enforcingConsecutiveGatewayFailure ?? 0);
  const local = detector(given.consecutiveLocalOriginFailure, given.enforcingConsecutiveLocalOriginFailure);
  return {
    interval: duration(given.interval, 10_000),
    baseEjection,
    maxEjection: Math.max(baseEjection, duration(given.maxEjectionTime, 300_000)),
    maxPercent: Math.min(100, given.maxEjectionPercent ?? 10),
    alwaysOne: given.alwaysEjectOneHost ?? false,
    threshold({ fault, status }) {
      if (fault === "unreachable") return split ? local : least(server, gateway);
      if (fault !== "failing" || status < 500) return undefined;
      return status >= 502 && status <= 504 ? least(server, gateway) : server;
    },
  };
}
