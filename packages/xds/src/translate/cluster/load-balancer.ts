import type { BackendUtilization, ConsistentHash, LoadBalancer, OutlierDetection } from "@fairlead/config";
import type { Cluster, Cluster_CommonLbConfig, Cluster_SlowStartConfig } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { defined, typed } from "../listener/typed.ts";
import { isLocalityWeighted, type LocalitySettings } from "./locality-settings.ts";
import { panicThreshold } from "./outlier-detection.ts";

type BalancerFields = Pick<
  Cluster,
  | "lbPolicy"
  | "leastRequestLbConfig"
  | "roundRobinLbConfig"
  | "ringHashLbConfig"
  | "maglevLbConfig"
  | "loadBalancingPolicy"
>;

/** The balancer of a cluster whose endpoints Envoy knows. Default: least request. Source: Istio API, `LoadBalancerSettings`. */
export function balancer(settings: LoadBalancer | undefined): BalancerFields {
  if (settings?.consistentHash) return hashBalancer(settings.consistentHash);
  if (settings?.backendUtilization) return utilizationBalancer(settings.backendUtilization);
  const slowStartConfig = warmup(settings);
  switch (settings?.simple) {
    case "RANDOM":
      return { lbPolicy: "RANDOM" };
    case "ROUND_ROBIN":
      return slowStartConfig ? { roundRobinLbConfig: { slowStartConfig } } : {};
    default:
      return { lbPolicy: "LEAST_REQUEST", ...(slowStartConfig ? { leastRequestLbConfig: { slowStartConfig } } : {}) };
  }
}

function hashBalancer({ maglev, ringHash, minimumRingSize }: ConsistentHash): BalancerFields {
  if (maglev) {
    const { tableSize } = maglev;
    return { lbPolicy: "MAGLEV", ...(isSet(tableSize) ? { maglevLbConfig: { tableSize } } : {}) };
  }
  if (ringHash) {
    const { minimumRingSize: size } = ringHash;
    return { lbPolicy: "RING_HASH", ...(isSet(size) ? { ringHashLbConfig: { minimumRingSize: size } } : {}) };
  }
  // The deprecated field; 1024 is Envoy's default.
  return {
    lbPolicy: "RING_HASH",
    ringHashLbConfig: { minimumRingSize: isSet(minimumRingSize) ? minimumRingSize : 1024 },
  };
}

const isSet = <T extends number | string>(size: T | undefined): size is T => size !== undefined && Number(size) !== 0;

/** `warmup`, or the deprecated `warmupDurationSecs`. Aggression 1 is a linear ramp from 10 % of the weight. */
function warmup(settings: LoadBalancer | undefined): Cluster_SlowStartConfig | undefined {
  if (settings?.warmup) {
    const { duration, aggression = 1, minimumPercent = 10 } = settings.warmup;
    return {
      slowStartWindow: durationOf(duration) ?? "0s",
      // Not a runtime key: Envoy demands one, and this can never be set.
      aggression: { ...(aggression === 0 ? {} : { defaultValue: aggression }), runtimeKey: "(" },
      minWeightPercent: minimumPercent === 0 ? {} : { value: minimumPercent },
    };
  }
  const slowStartWindow = durationOf(settings?.warmupDurationSecs);
  return slowStartWindow ? { slowStartWindow } : undefined;
}

/** Weights by what the endpoints report of their load. Source: Envoy, `client_side_weighted_round_robin`. */
function utilizationBalancer(settings: BackendUtilization): BalancerFields {
  const { errorUtilizationPenaltyPercent, metricNamesForComputingUtilization } = settings;
  return {
    loadBalancingPolicy: {
      policies: [
        {
          typedExtensionConfig: {
            name: "envoy.load_balancing_policies.client_side_weighted_round_robin",
            typedConfig: typed(
              "envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin",
              defined({
                blackoutPeriod: durationOf(settings.weightStabilizationPeriod),
                weightExpirationPeriod: durationOf(settings.weightExpirationPeriod),
                weightUpdatePeriod: durationOf(settings.weightUpdatePeriod),
                errorUtilizationPenalty:
                  errorUtilizationPenaltyPercent === undefined ? undefined : errorUtilizationPenaltyPercent / 100,
                metricNamesForComputingUtilization:
                  metricNamesForComputingUtilization && metricNamesForComputingUtilization.length > 0
                    ? [...metricNamesForComputingUtilization]
                    : undefined,
              }),
            ),
          },
        },
      ],
    },
  };
}

/** What all balancers share: panic threshold, and how localities count. */
export function commonLoadBalancing(
  outliers: OutlierDetection | undefined,
  settings: LocalitySettings,
  service: { readonly distributed: boolean; readonly keepsDraining: boolean },
): Cluster_CommonLbConfig {
  return {
    healthyPanicThreshold: panicThreshold(outliers, service.distributed),
    ...(settings.kind === "zone-aware"
      ? {
          zoneAwareLbConfig: {
            ...(settings.enabled ? {} : { routingEnabled: {} }),
            ...(settings.setting.minClusterSize === undefined
              ? {}
              : { minClusterSize: settings.setting.minClusterSize }),
          },
        }
      : {}),
    ...(isLocalityWeighted(settings, outliers !== undefined) ? { localityWeightedLbConfig: {} } : {}),
    // Sessions that a cookie pins to a draining endpoint may go on there; nothing else may.
    ...(service.keepsDraining
      ? { overrideHostStatus: { statuses: ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"] } }
      : {}),
  };
}
