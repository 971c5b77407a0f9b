import { describe, expect, test } from "vitest";
import { SimulatorError } from "../error.ts";
import { meshFromYaml } from "../mesh/from-yaml.ts";
import { assertShiftsTo, matchers } from "../testing.ts";
import { type FailoverScenario, failover } from "./failover.ts";

const endpoint = (address: string, zone: string) => `{address: ${address}, locality: west/${zone}}`;
const SERVICE = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: stock}
spec:
  hosts: [stock.example.com]
  addresses: [10.1.0.9]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{name: http, number: 80, protocol: HTTP}]
  endpoints: [${endpoint("10.2.0.1", "a")}, ${endpoint("10.2.0.2", "a")}, ${endpoint("10.2.0.3", "b")}, ${endpoint("10.2.0.4", "b")}]
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: client}
spec: {address: 10.2.1.1, labels: {app: client}, locality: west/a}
`;
const rule = (policy: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stock}
spec: {host: stock.example.com, trafficPolicy: {${policy}}}
`;
const run = (policy: string, scenario: Partial<FailoverScenario>) => {
  const { mesh } = meshFromYaml([
    { file: "stock.yaml", text: SERVICE },
    { file: "rule.yaml", text: rule(policy) },
  ]);
  return failover(mesh, {
    from: "client.default",
    request: { url: "http://stock.example.com/" },
    events: [],
    ...scenario,
  });
};
const EVEN = "loadBalancer: {localityLbSetting: {enabled: false}}";
const outlier = (fields: string) => `${EVEN}, outlierDetection: {${fields}}`;
const all = "consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100";

test("a zone that is gone leaves its share to the other", () => {
  const timeline = run(EVEN, {
    events: [
      { at: "5s", zone: "b", is: "gone" },
      { at: "20s", zone: "b", is: "back" },
    ],
  });
  expect(["0s", "5s", "19s", "20s"].map((at) => timeline.share({ zone: "a" }, at))).toEqual([0.5, 1, 1, 0.5]);
  expect(timeline.at("5s").failed).toBe(0);
});

test("until proxies hear of it, requests to what is gone fail", () => {
  const timeline = run(EVEN, { propagation: "2s", events: [{ at: "5s", zone: "west/b", is: "gone" }] });
  expect(timeline.at("6s").failed).toBe(0.5);
  expect(timeline.when({ zone: "a" }, 1)).toBe(7000);
  assertShiftsTo(timeline, { zone: "a", share: 1, within: "2s", after: "5s" });
  expect(() => assertShiftsTo(timeline, { zone: "a", share: 1, within: "1s", after: "5s" })).toThrow(
    /zone a to take 100 % within 1s after 5s; it did after 2s[\s\S]*7s: 10.2.0.3:80 is gone/,
  );
});

describe("outlier detection", () => {
  test("ejects after failures in a row, at the pace of the requests", () => {
    // 10 requests a second over four hosts: a host gets one every 400 ms, the fifth after 2 s.
    const timeline = run(outlier(all), { events: [{ at: "1s", endpoint: "10.2.0.3", is: "failing" }] });
    expect(timeline.when({ endpoint: "10.2.0.3" }, 0)).toBe(3000);
    expect(timeline.at("3s").destinations[0]?.endpoints.map(({ state }) => state)).toEqual([
      "up",
      "up",
      "ejected",
      "up",
    ]);
  });

  test("ejections get longer, and end at an interval", () => {
    const timeline = run(outlier(all), { until: "200s", events: [{ at: "0s", endpoint: "10.2.0.3", is: "failing" }] });
    const states = timeline.moments.map(({ at, causes }) => [at / 1000, causes.join()]);
    expect(states).toEqual([
      [0, "10.2.0.3:80 is failing"],
      [2, "10.2.0.3:80 is ejected for 30s"],
      [40, "10.2.0.3:80 is no longer ejected"],
      [42, "10.2.0.3:80 is ejected for 60s"],
      [110, "10.2.0.3:80 is no longer ejected"],
      [112, "10.2.0.3:80 is ejected for 90s"],
    ]);
  });

  test("never more than the percentage", () => {
    const timeline = run(outlier("consecutive5xxErrors: 5, maxEjectionPercent: 25"), {
      events: [{ at: "0s", zone: "b", is: "failing" }],
    });
    const last = timeline.at("10s").destinations[0]?.endpoints.map(({ state }) => state);
    expect(last).toEqual(["up", "up", "ejected", "failing"]);
    expect(timeline.explain()).toContain("10.2.0.4:80 is not ejected: 25 % of 4 hosts may be at most");
  });

  test("what answers less than 500 is fine", () => {
    const timeline = run(outlier(all), { events: [{ at: "0s", zone: "b", is: "failing", status: 404 }] });
    expect(timeline.at("60s")).toMatchObject({ failed: 0 });
    expect(timeline.share({ zone: "b" }, "60s")).toBe(0.5);
  });

  test("panic: with too few healthy, all are used", () => {
    const fate = {
      events: [
        { at: "0s", zone: "b", is: "failing" as const },
        { at: "0s", endpoint: "10.2.0.2", is: "failing" as const },
      ],
    };
    const calm = run(outlier(all), fate);
    expect(calm.share({ endpoint: "10.2.0.1" }, "10s")).toBe(1);
    const panicking = run(outlier(`${all}, minHealthPercent: 50`), fate);
    expect(panicking.share({ endpoint: "10.2.0.1" }, "10s")).toBe(0.25);
    expect(panicking.at("10s")).toMatchObject({ failed: 0.75, destinations: [{ panic: [0] }] });
  });
});

test("locality failover: half of the near zone is enough for 70 %", () => {
  const near = "outlierDetection: {consecutive5xxErrors: 5, maxEjectionPercent: 100}";
  const timeline = run(near, { events: [{ at: "5s", endpoint: "10.2.0.1:80", is: "unreachable" }] });
  expect(timeline.share({ zone: "a" }, "0s")).toBe(1);
  expect(timeline.when({ zone: "b" }, 0.3, "5s")).toBe(6000);
  expect(matchers.toShiftTo(timeline, { zone: "a", share: 0.7, within: "1s", after: "5s" }).pass).toBe(true);
});

test.each([
  ["a zone that nobody is in", { at: "0s", zone: "c", is: "gone" }, "unknown-target", "nearest of 2 known: a, b"],
  ["no target", { at: "0s", is: "gone" }, "malformed-scenario", "names no zone"],
  ["no duration", { at: "soon", zone: "a", is: "gone" }, "malformed-scenario", "is no duration"],
] as const)("%s is an error", (_, event, code, words) => {
  const attempt = () => run(EVEN, { events: [event] });
  expect(attempt).toThrow(SimulatorError);
  expect(attempt).toThrow(words);
  expect(attempt).toThrow(expect.objectContaining({ code }));
});

test("the same in, the same out", () => {
  const events = [{ at: "1s", zone: "b", is: "failing" as const }];
  expect(run(outlier(all), { events }).moments).toEqual(run(outlier(all), { events }).moments);
});
