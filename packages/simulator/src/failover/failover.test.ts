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
  // Istio's two retries go to other endpoints: the second finds one that is left.
  expect(timeline.at("6s")).toMatchObject({ failedAtFirst: 0.5, failed: 0 });
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

  test("ejections that follow each other reach the load balancer together, a second later", () => {
    const timeline = run(outlier("consecutive5xxErrors: 1, maxEjectionPercent: 100"), {
      events: [
        { at: "1s", endpoint: "10.2.0.3", is: "failing" },
        { at: "2s", endpoint: "10.2.0.4", is: "failing" },
      ],
    });
    // 10 requests a second: 400 ms to the first failure of four endpoints, 300 ms of three.
    expect(timeline.when({ endpoint: "10.2.0.3" }, 0)).toBe(1400);
    expect(timeline.at("2300ms").destinations[0]?.endpoints[3]?.state).toBe("ejected");
    expect(timeline.when({ endpoint: "10.2.0.4" }, 0)).toBe(3300);
    expect(timeline.explain()).toContain("3.3s: the load balancer hears of 10.2.0.4:80");
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

describe("retries", () => {
  const routes = (rule: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock.example.com], http: [{route: [{destination: {host: stock.example.com}}], ${rule}}]}
`;
  const retried = (rule: string, policy: string, scenario: Partial<FailoverScenario>) => {
    const { mesh } = meshFromYaml([
      { file: "stock.yaml", text: SERVICE },
      { file: "rule.yaml", text: policyText(policy) },
      { file: "routes.yaml", text: routes(rule) },
    ]);
    const timeline = failover(mesh, {
      from: "client.default",
      request: { url: "http://stock.example.com/" },
      events: [{ at: "0s", zone: "b", is: "failing" }],
      ...scenario,
    });
    return timeline.at("1s");
  };
  const policyText = rule;

  test.each([
    ["attempts: 1, retryOn: '503'", 1 / 6, 0.5],
    ["attempts: 2, retryOn: '503'", 0, 2 / 3],
    ["attempts: 1, retryOn: '503', retryIgnorePreviousHosts: false", 1 / 4, 0.5],
    ["attempts: 3, retryOn: connect-failure", 1 / 2, 0],
    ["attempts: 0", 1 / 2, 0],
  ])("%s", (retries, failed, made) => {
    const moment = retried(`retries: {${retries}}`, EVEN, {});
    expect(moment.failed).toBeCloseTo(failed, 9);
    expect(moment.destinations[0]?.retries).toBeCloseTo(made, 9);
  });

  test("no more at once than the circuit breaker lets be", () => {
    const pool = `${EVEN}, connectionPool: {http: {maxRetries: 1}}`;
    // 100 requests a second, half of which fail and wait 12.5 ms and 87.5 ms: 5 retries at once where 1 may be.
    const moment = retried("retries: {attempts: 1, retryOn: '503', retryIgnorePreviousHosts: false}", pool, {
      requestsPerSecond: 100,
      latency: "87.5ms",
    });
    expect(moment.destinations[0]?.retries).toBeCloseTo(0.1, 9);
    expect(moment.failed).toBeCloseTo(0.45, 9);
  });

  test("no more than the budget: a share of the requests under way", () => {
    const budget = `${EVEN}, retryBudget: {percent: 20, minRetryConcurrency: 1}`;
    const moment = retried("retries: {attempts: 1, retryOn: '503', retryIgnorePreviousHosts: false}", budget, {
      requestsPerSecond: 100,
      latency: "87.5ms",
    });
    // 13.125 under way, retries included: 2.625 retries may be.
    expect(moment.destinations[0]?.retries).toBeCloseTo(0.2625, 9);
  });
});

describe("circuit breakers", () => {
  test("of HTTP/1.1: connections, and requests that wait for one", () => {
    const pool = `${EVEN}, connectionPool: {tcp: {maxConnections: 5}, http: {http1MaxPendingRequests: 5}}`;
    const timeline = run(pool, {
      requestsPerSecond: 20,
      events: [
        { at: "1s", region: "west", is: "slow", latency: "1s" },
        { at: "10s", region: "west", is: "back" },
      ],
    });
    // 20 a second fill 5 connections and 5 places after 500 ms; 5 a second are served.
    const opened = timeline.moments.find(({ causes }) => causes.some((cause) => cause.includes("opens")));
    expect(opened).toMatchObject({ at: 1500, failed: 0.75 });
    expect(timeline.explain()).toContain("the circuit breaker opens: max connections 5 and max pending requests 5");
    expect(timeline.at("10s")).toMatchObject({ failed: 0 });
  });

  test("of HTTP/2: requests", () => {
    const pool = `${EVEN}, connectionPool: {http: {h2UpgradePolicy: UPGRADE, http2MaxRequests: 10}}`;
    const events = [{ at: "0s", region: "west", is: "slow" as const, latency: "1s" }];
    const timeline = run(pool, { requestsPerSecond: 20, events });
    expect(timeline.at("0s").failed).toBe(0);
    expect(timeline.at("1s")).toMatchObject({ failed: 0.5, destinations: [{ overflow: 0.5 }] });
  });

  test("a latency is for what is slow", () => {
    expect(() => run(EVEN, { events: [{ at: "0s", zone: "a", is: "slow" }] })).toThrow(/latency is for what is slow/);
  });
});
