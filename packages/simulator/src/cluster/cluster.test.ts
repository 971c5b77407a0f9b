import { describe, expect, test } from "vitest";
import type { ClusterLoadAssignment, LbEndpoint } from "../envoy.ts";
import { endpointShares } from "./endpoints.ts";
import { priorityLoad } from "./priority.ts";
import { transportTo } from "./transport.ts";

const host = (address: string, more: Partial<LbEndpoint> = {}): LbEndpoint => ({
  endpoint: { address: { socketAddress: { address, portValue: 80 } } },
  ...more,
});
const shares = (assignment: ClusterLoadAssignment, cluster: Parameters<typeof endpointShares>[0] = {}) =>
  Object.fromEntries(
    endpointShares(cluster, assignment).map(({ host: name, share }) => [name, Number(share.toPrecision(6))]),
  );

describe("priorities", () => {
  const level = (hosts: number, healthy = hosts, degraded = 0) => ({ hosts, healthy, degraded });
  test.each([
    ["all healthy", [level(10), level(10)], [100, 0]],
    ["72 % is enough", [level(100, 72), level(100)], [100, 0]],
    ["71 % is nearly enough", [level(100, 71), level(100)], [99, 1]],
    ["half", [level(10, 5), level(10)], [70, 30]],
    ["none", [level(10, 0), level(10)], [0, 100]],
    ["both short: what there is, in proportion", [level(100, 25), level(100, 25)], [50, 50]],
  ])("%s", (_, counts, load) => {
    expect(priorityLoad(counts).healthy).toEqual(load);
  });

  test("without a healthy host the load follows the number of hosts", () => {
    expect(priorityLoad([level(1, 0), level(3, 0)])).toMatchObject({ healthy: [25, 75], panic: [true, true] });
  });

  test("panic only where all priorities together fall short", () => {
    expect(priorityLoad([level(10, 4), level(10)]).panic).toEqual([false, false]);
    expect(priorityLoad([level(10, 4)]).panic).toEqual([true]);
  });
});

describe("endpoints", () => {
  test("by weight", () => {
    expect(shares({ endpoints: [{ lbEndpoints: [host("a", { loadBalancingWeight: 3 }), host("b")] }] })).toEqual({
      a: 0.75,
      b: 0.25,
    });
  });

  test("by locality where the cluster weighs them", () => {
    const endpoints = [
      { locality: { zone: "1" }, loadBalancingWeight: 80, lbEndpoints: [host("a"), host("b")] },
      { locality: { zone: "2" }, loadBalancingWeight: 20, lbEndpoints: [host("c")] },
    ];
    const weighs = { commonLbConfig: { localityWeightedLbConfig: {} } };
    expect(shares({ endpoints }, weighs)).toEqual({ a: 0.4, b: 0.4, c: 0.2 });
    expect(shares({ endpoints })).toEqual({ a: 0.333333, b: 0.333333, c: 0.333333 });
  });

  test("ill hosts get nothing, until there is panic", () => {
    const ill = { healthStatus: "UNHEALTHY" } as const;
    expect(shares({ endpoints: [{ lbEndpoints: [host("a"), host("b", ill)] }] })).toEqual({ a: 1 });
    expect(shares({ endpoints: [{ lbEndpoints: [host("a"), host("b", ill), host("c", ill)] }] })).toEqual({
      a: 0.333333,
      b: 0.333333,
      c: 0.333333,
    });
    const calm = { commonLbConfig: { healthyPanicThreshold: {} } };
    expect(shares({ endpoints: [{ lbEndpoints: [host("a"), host("b", ill), host("c", ill)] }] }, calm)).toEqual({
      a: 1,
    });
  });

  test("the next priority takes over", () => {
    const endpoints = [
      { lbEndpoints: [host("a"), host("b", { healthStatus: "DRAINING" as const })] },
      { priority: 1, lbEndpoints: [host("c")] },
    ];
    expect(shares({ endpoints })).toEqual({ a: 0.7, c: 0.3 });
  });

  test("no endpoints, no shares", () => {
    expect(shares({})).toEqual({});
  });
});

test("transport sockets are matched by the endpoint's metadata", () => {
  const tls = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: "s",
      commonTlsContext: { alpnProtocols: ["istio"], tlsCertificateSdsSecretConfigs: [{ name: "default" }] },
    },
  };
  const cluster = {
    transportSocketMatches: [
      { name: "mtls", match: { tlsMode: "istio" }, transportSocket: tls },
      { name: "raw", match: {} },
    ],
  };
  const meshed = { metadata: { filterMetadata: { "envoy.transport_socket_match": { tlsMode: "istio" } } } };
  expect(transportTo(cluster, meshed, "http/1.1")).toEqual({
    tls: true,
    presentsCertificate: true,
    sni: "s",
    alpn: ["istio"],
    protocol: "http/1.1",
  });
  expect(transportTo(cluster, undefined, "http/1.1")).toMatchObject({ tls: false, sni: "" });
});
