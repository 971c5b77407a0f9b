import type { LoadBalancer } from "@fairlead/config";
import { describe, expect, test } from "vitest";
import { balancer, commonLoadBalancing } from "./load-balancer.ts";
import { localitySettings } from "./locality-settings.ts";

const slowStart = {
  slowStartWindow: "60s",
  aggression: { defaultValue: 1, runtimeKey: "(" },
  minWeightPercent: { value: 10 },
};

describe("balancer", () => {
  test.each<[string, LoadBalancer | undefined, unknown]>([
    ["default", undefined, { lbPolicy: "LEAST_REQUEST" }],
    ["unspecified", { simple: "UNSPECIFIED" }, { lbPolicy: "LEAST_REQUEST" }],
    ["the old name of least request", { simple: "LEAST_CONN" }, { lbPolicy: "LEAST_REQUEST" }],
    ["round robin is Envoy's default", { simple: "ROUND_ROBIN" }, {}],
    ["random", { simple: "RANDOM" }, { lbPolicy: "RANDOM" }],
    [
      "warm-up",
      { warmup: { duration: "1m" } },
      { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { slowStartConfig: slowStart } },
    ],
    [
      "warm-up from nothing",
      { simple: "ROUND_ROBIN", warmup: { duration: "1m", minimumPercent: 0, aggression: 2 } },
      {
        roundRobinLbConfig: {
          slowStartConfig: {
            slowStartWindow: "60s",
            aggression: { defaultValue: 2, runtimeKey: "(" },
            minWeightPercent: {},
          },
        },
      },
    ],
    [
      "the deprecated warm-up",
      { simple: "ROUND_ROBIN", warmupDurationSecs: "10s" },
      { roundRobinLbConfig: { slowStartConfig: { slowStartWindow: "10s" } } },
    ],
    [
      "hash",
      { consistentHash: { useSourceIp: true } },
      { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: 1024 } },
    ],
    [
      "hash with the deprecated size",
      { consistentHash: { useSourceIp: true, minimumRingSize: "2048" } },
      { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "2048" } },
    ],
    ["ring hash", { consistentHash: { httpHeaderName: "x", ringHash: {} } }, { lbPolicy: "RING_HASH" }],
    [
      "Maglev",
      { consistentHash: { httpHeaderName: "x", maglev: { tableSize: "1009" } } },
      { lbPolicy: "MAGLEV", maglevLbConfig: { tableSize: "1009" } },
    ],
  ] as [string, LoadBalancer | undefined, unknown][])("%s", (_, settings, expected) => {
    expect(balancer(settings)).toEqual(expected);
  });

  test("by reported utilization", () => {
    expect(balancer({ backendUtilization: { errorUtilizationPenaltyPercent: 150, weightUpdatePeriod: "2s" } })).toEqual(
      {
        loadBalancingPolicy: {
          policies: [
            {
              typedExtensionConfig: {
                name: "envoy.load_balancing_policies.client_side_weighted_round_robin",
                typedConfig: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin",
                  errorUtilizationPenalty: 1.5,
                  weightUpdatePeriod: "2s",
                },
              },
            },
          ],
        },
      },
    );
  });
});

describe("commonLoadBalancing", () => {
  const of = (policy: LoadBalancer | undefined, fields: { outliers?: object; distribution?: "PreferSameZone" } = {}) =>
    commonLoadBalancing(
      fields.outliers,
      localitySettings(policy, fields.distribution ? { trafficDistribution: fields.distribution } : {}, {}),
      { distributed: fields.distribution !== undefined, keepsDraining: false },
    );
  const failover: LoadBalancer = { localityLbSetting: { failover: [{ from: "a", to: "b" }] } };
  test.each<[string, unknown, unknown]>([
    ["default: never panics", of(undefined), { healthyPanicThreshold: {} }],
    [
      "panics where told",
      of(undefined, { outliers: { minHealthPercent: 30 } }),
      { healthyPanicThreshold: { value: 30 } },
    ],
    [
      "not where traffic distribution counts on health",
      of(undefined, { outliers: { minHealthPercent: 30 }, distribution: "PreferSameZone" }),
      { healthyPanicThreshold: {}, localityWeightedLbConfig: {} },
    ],
    ["failover needs outlier detection", of(failover), { healthyPanicThreshold: {} }],
    ["failover", of(failover, { outliers: {} }), { healthyPanicThreshold: {}, localityWeightedLbConfig: {} }],
    [
      "distribution does not",
      of({ localityLbSetting: { distribute: [{ from: "*", to: { a: 100 } }] } }),
      { healthyPanicThreshold: {}, localityWeightedLbConfig: {} },
    ],
    [
      "disabled",
      of({ localityLbSetting: { enabled: false, distribute: [{ from: "*", to: { a: 100 } }] } }),
      { healthyPanicThreshold: {} },
    ],
    [
      "zone-aware",
      of({ zoneAwareLbSetting: { minClusterSize: 3 } }),
      { healthyPanicThreshold: {}, zoneAwareLbConfig: { minClusterSize: 3 } },
    ],
    [
      "zone-aware turned off",
      of({ zoneAwareLbSetting: { enabled: false } }),
      { healthyPanicThreshold: {}, zoneAwareLbConfig: { routingEnabled: {} } },
    ],
  ])("%s", (_, made, expected) => {
    expect(made).toEqual(expected);
  });

  test("sessions may go on on draining endpoints", () => {
    expect(commonLoadBalancing(undefined, { kind: "none" }, { distributed: false, keepsDraining: true })).toEqual({
      healthyPanicThreshold: {},
      overrideHostStatus: { statuses: ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"] },
    });
  });
});

describe("localitySettings", () => {
  const mesh = { localityLbSetting: { distribute: [{ from: "*", to: { a: 100 } }] } };
  test.each<[string, unknown, string]>([
    ["the mesh's default is on", localitySettings(undefined, {}, {}), "locality"],
    ["the mesh may be off", localitySettings(undefined, {}, { localityLbSetting: { enabled: false } }), "none"],
    ["zone-aware goes first", localitySettings(undefined, {}, { ...mesh, zoneAwareLbSetting: {} }), "zone-aware"],
    [
      "traffic distribution goes before the mesh",
      localitySettings(undefined, { trafficDistribution: "PreferSameNode" }, { zoneAwareLbSetting: {} }),
      "locality",
    ],
    [
      "the policy goes before it",
      localitySettings({ localityLbSetting: { enabled: false } }, { trafficDistribution: "PreferSameNode" }, mesh),
      "none",
    ],
  ])("%s", (_, settings, kind) => {
    expect(settings).toMatchObject({ kind });
  });
});
