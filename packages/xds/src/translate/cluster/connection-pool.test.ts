import { expect, test } from "vitest";
import { circuitBreakers, connectTimeout, upstreamConnectionOptions } from "./connection-pool.ts";

const unlimited = 4_294_967_295;
const none = {
  maxConnections: unlimited,
  maxPendingRequests: unlimited,
  maxRequests: unlimited,
  maxRetries: unlimited,
};

test.each<[string, ...Parameters<typeof circuitBreakers>, object]>([
  ["no settings", undefined, undefined, none],
  ["zero is not set", { http: { maxRetries: 0 }, tcp: { maxConnections: 0 } }, undefined, none],
  [
    "limits",
    { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4 } },
    undefined,
    { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 },
  ],
  [
    "a retry budget's defaults",
    undefined,
    {},
    { ...none, retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 3 } },
  ],
  [
    "a budget of nothing",
    undefined,
    { percent: 0, minRetryConcurrency: 9, budgetInterval: "10s" },
    { ...none, retryBudget: { budgetPercent: {}, budgetInterval: "10s", minRetryConcurrency: 9 } },
  ],
])("circuit breakers: %s", (_, pool, budget, expected) => {
  expect(circuitBreakers(pool, budget)).toEqual({ thresholds: [expected] });
});

test("the pool's connect timeout goes before the mesh's", () => {
  expect(connectTimeout(undefined, {})).toBe("10s");
  expect(connectTimeout(undefined, { connectTimeout: "3s" })).toBe("3s");
  expect(connectTimeout({ tcp: { connectTimeout: "1.5s" } }, { connectTimeout: "3s" })).toBe("1.500s");
});

test("keepalive fields override the mesh's one by one", () => {
  expect(upstreamConnectionOptions({ tcp: {} }, {})).toBeUndefined();
  expect(upstreamConnectionOptions({ tcp: { tcpKeepalive: {} } }, {})).toEqual({ tcpKeepalive: {} });
  expect(
    upstreamConnectionOptions(
      { tcp: { tcpKeepalive: { time: "2h", interval: "1.9s" } } },
      { tcpKeepalive: { probes: 3, time: "10s" } },
    ),
  ).toEqual({ tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 7200, keepaliveInterval: 1 } });
});
