import type { DestinationRule, TrafficPolicy } from "@fairlead/config";
import { describe, expect, test } from "vitest";
import { portPolicy, rulePolicy, withMeshDefaults } from "./policy.ts";

const random = { simple: "RANDOM" } as const;
const pool = { tcp: { maxConnections: 1 } };
const simple = { mode: "SIMPLE" } as const;
const proxyProtocol = { version: "V2" } as const;

describe("portPolicy", () => {
  const policy: TrafficPolicy = {
    loadBalancer: random,
    tls: simple,
    proxyProtocol,
    portLevelSettings: [{ port: { number: 80 }, connectionPool: pool }],
  };
  test.each([
    ["settings of the port stand alone", 80, { connectionPool: pool }],
    ["other ports have the destination's", 81, { loadBalancer: random, tls: simple, proxyProtocol }],
  ])("%s", (_, port, expected) => {
    expect(portPolicy(policy, port)).toEqual(expected);
  });
});

describe("rulePolicy", () => {
  const rule = (trafficPolicy: TrafficPolicy | undefined, subset: TrafficPolicy | undefined): DestinationRule => ({
    host: "a",
    ...(trafficPolicy ? { trafficPolicy } : {}),
    subsets: [{ name: "v1", ...(subset ? { trafficPolicy: subset } : {}) }],
  });
  test.each([
    ["a subset without a policy has the destination's", rule({ tls: simple }, undefined), { tls: simple }],
    [
      "a subset's parts win",
      rule({ tls: simple, loadBalancer: random }, { tls: { mode: "DISABLE" } }),
      { tls: { mode: "DISABLE" }, loadBalancer: random },
    ],
    [
      "settings of the port in a subset replace all four parts, and no other",
      rule(
        { tls: simple, loadBalancer: random, proxyProtocol },
        { portLevelSettings: [{ port: { number: 80 }, connectionPool: pool }] },
      ),
      { connectionPool: pool, proxyProtocol },
    ],
    [
      "settings of the port in the destination hold under a subset",
      rule(
        { tls: simple, portLevelSettings: [{ port: { number: 80 }, loadBalancer: random }] },
        { connectionPool: pool },
      ),
      { loadBalancer: random, connectionPool: pool },
    ],
    ["a subset may be all there is", rule(undefined, { tls: simple }), { tls: simple }],
  ])("%s", (_, given, expected) => {
    expect(rulePolicy(given, 80, "v1")).toEqual(expected);
  });
});

test("mesh defaults fill what a policy leaves open", () => {
  const defaults = { connectionPool: pool, outlierDetection: { consecutive5xxErrors: 3 } };
  expect(withMeshDefaults(undefined, undefined)).toBeUndefined();
  expect(withMeshDefaults(undefined, defaults)).toEqual(defaults);
  expect(withMeshDefaults({ tls: simple, connectionPool: {} }, defaults)).toEqual({
    tls: simple,
    connectionPool: {},
    outlierDetection: { consecutive5xxErrors: 3 },
  });
});
