import type { HttpMatch, HttpRoute } from "@fairlead/config";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import { meshOf, REVIEWS, reviewsRoutes, routeConfiguration, routesOfReviews, sourceOf } from "./testing.ts";

const to = (subset: string) => [{ destination: { host: "reviews", subset } }];
const cluster = (subset: string) => `outbound|9080|${subset}|${REVIEWS}`;
const clustersOf = (http: readonly HttpRoute[], node = aNode()) =>
  routesOfReviews({ http }, { node }).routes.map(({ route }) => route?.cluster);

describe("which routes there are", () => {
  const under = (match: HttpMatch, node = aNode()) =>
    clustersOf([{ match: [match], route: to("v2") }, { route: to("v1") }], node);
  const labelled = aNode("client-1.default", "10.0.0.1", { LABELS: { app: "client", version: "v1" } });

  test.each<[string, HttpMatch, readonly string[]]>([
    ["another port", { port: 80, uri: { prefix: "/a" } }, ["v1"]],
    ["this port", { port: 9080, uri: { prefix: "/a" } }, ["v2", "v1"]],
    ["a gateway", { gateways: ["ingress"], uri: { prefix: "/a" } }, ["v1"]],
    ["a gateway and the mesh", { gateways: ["ingress", "mesh"], uri: { prefix: "/a" } }, ["v2", "v1"]],
    ["other labels", { sourceLabels: { app: "other" }, uri: { prefix: "/a" } }, ["v1"]],
    ["some labels", { sourceLabels: { app: "client" }, uri: { prefix: "/a" } }, ["v2", "v1"]],
    ["labels and nothing else hide the rest", { sourceLabels: { app: "client" } }, ["v2"]],
    ["this namespace", { sourceNamespace: "default", uri: { prefix: "/a" } }, ["v2", "v1"]],
    ["another namespace", { sourceNamespace: "other", uri: { prefix: "/a" } }, ["v1"]],
    ["gateways make the source irrelevant", { gateways: ["mesh"], sourceLabels: { app: "other" } }, ["v2"]],
  ])("%s", (_, match, subsets) => {
    expect(under(match, labelled)).toEqual(subsets.map(cluster));
  });

  test("after a rule without a match nothing is reached", () => {
    expect(clustersOf([{ route: to("v1") }, { match: [{ uri: { prefix: "/a" } }], route: to("v2") }])).toEqual([
      cluster("v1"),
    ]);
  });

  test("a catch-all match ends its rule and the list", () => {
    const match = [{ uri: { prefix: "/a" } }, { uri: { prefix: "/" } }, { uri: { prefix: "/b" } }];
    expect(clustersOf([{ match, route: to("v1") }, { route: to("v2") }])).toEqual([cluster("v1"), cluster("v1")]);
  });

  test("without any route the service is as if nobody spoke for it", () => {
    const { routes } = routesOfReviews({ http: [{ match: [{ port: 80 }], route: to("v2") }] });
    expect(routes).toMatchObject([{ name: "default", route: { cluster: cluster("") } }]);
  });
});

describe("what a route says", () => {
  const only = (rule: HttpRoute, more: Parameters<typeof routesOfReviews>[1] = {}) => {
    const { routes, diagnostics } = routesOfReviews({ http: [rule] }, more);
    return { route: routes[0] ?? {}, diagnostics };
  };

  test("names, metadata, statistics, decorator", () => {
    const { route } = only({
      name: "r",
      match: [{ name: "m", statPrefix: "s", uri: { exact: "/a" } }],
      route: to("v1"),
    });
    expect(route).toMatchObject({
      name: "r.m",
      statPrefix: "s",
      metadata: {
        filterMetadata: {
          istio: { config: "/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews" },
        },
      },
      decorator: { operation: `${REVIEWS}:9080/a` },
      route: { timeout: "0s", maxGrpcTimeout: "0s" },
    });
  });

  test("timeout", () => {
    expect(only({ route: to("v1"), timeout: "1m" }).route.route).toMatchObject({
      timeout: "60s",
      maxGrpcTimeout: "60s",
    });
  });

  test("the mesh's retries, unless the rule has its own", () => {
    const meshConfig = { defaultHttpRetryPolicy: { attempts: 7 } };
    expect(only({ route: to("v1") }, { meshConfig }).route.route?.retryPolicy?.numRetries).toBe(7);
    expect(
      only({ route: to("v1"), retries: { attempts: 1 } }, { meshConfig }).route.route?.retryPolicy?.numRetries,
    ).toBe(1);
    expect(only({ route: to("v1"), retries: { attempts: 0 } }, { meshConfig }).route.route).not.toHaveProperty(
      "retryPolicy",
    );
  });

  test("weights, without destinations that get nothing", () => {
    const [one, two, three] = ["v1", "v2", "v3"].map((subset) => ({ destination: { host: "reviews", subset } }));
    if (!one || !two || !three) throw new Error("three destinations");
    const headers = { request: { set: { "x-v": "2", host: "v2.example" } } };
    const { route } = only({ route: [{ ...one, weight: 90 }, { ...two, weight: 10, headers }, three] });
    expect(route.route?.weightedClusters).toEqual({
      clusters: [
        { name: cluster("v1"), weight: 90 },
        {
          name: cluster("v2"),
          weight: 10,
          requestHeadersToAdd: [{ header: { key: "x-v", value: "2" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
          hostRewriteLiteral: "v2.example",
        },
      ],
    });
    expect(route.decorator).toEqual({ operation: "reviews:9080/*" });
  });

  test("headers of the rule, then of its only destination; the rule's host goes first", () => {
    const destination = { host: "reviews", subset: "v1" };
    const inner = { request: { add: { "x-b": "2", host: "inner" } } };
    const outer = { request: { set: { "x-a": "1", host: "outer" } } };
    const { route } = only({ headers: outer, route: [{ destination, headers: inner }] });
    expect(route.requestHeadersToAdd?.map(({ header }) => header?.key)).toEqual(["x-a", "x-b"]);
    expect(route.route?.hostRewriteLiteral).toBe("outer");
    const innerOnly = only({ route: [{ destination, headers: inner }] }).route;
    expect(innerOnly.route?.hostRewriteLiteral).toBe("inner");
    const rewritten = only({ rewrite: { authority: "a" }, headers: outer, route: [{ destination }] }).route;
    expect(rewritten.route?.hostRewriteLiteral).toBe("a");
  });

  test("a rewritten host is kept where the proxy is told to", () => {
    const meshConfig = { defaultConfig: { proxyHeaders: { xForwardedHost: { enabled: true } } } };
    const rule = { rewrite: { authority: "a" }, route: to("v1") };
    expect(only(rule, { meshConfig }).route.route?.appendXForwardedHost).toBe(true);
    expect(only({ route: to("v1") }, { meshConfig }).route.route).not.toHaveProperty("appendXForwardedHost");
    expect(only(rule).route.route).not.toHaveProperty("appendXForwardedHost");
  });

  test("mirrors", () => {
    const policy = (name: string, defaultValue: object) => ({
      cluster: name,
      runtimeFraction: { defaultValue },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    });
    const mirror = { host: "reviews", subset: "v2" };
    const policies = (rule: Partial<HttpRoute>) =>
      only({ route: to("v1"), ...rule } as HttpRoute).route.route?.requestMirrorPolicies;
    expect(policies({ mirror })).toEqual([policy(cluster("v2"), { numerator: 100 })]);
    expect(policies({ mirror, mirrorPercent: 5 })).toEqual([policy(cluster("v2"), { numerator: 5 })]);
    expect(policies({ mirror, mirrorPercent: 0 })).toBeUndefined();
    expect(policies({ mirror, mirrorPercentage: { value: 0 } })).toBeUndefined();
    expect(
      policies({ mirrors: [{ destination: mirror, percentage: { value: 2.5 } }, { destination: mirror }] }),
    ).toEqual([
      policy(cluster("v2"), { numerator: 25_000, denominator: "MILLION" }),
      policy(cluster("v2"), { numerator: 100 }),
    ]);
  });

  test("faults and CORS are settings of their filters", () => {
    const { route } = only({ route: to("v1"), fault: { abort: { httpStatus: 500 } }, corsPolicy: { maxAge: "1s" } });
    expect(route.typedPerFilterConfig).toMatchObject({
      "envoy.filters.http.fault": { "@type": expect.stringContaining("HTTPFault"), abort: { httpStatus: 500 } },
      "envoy.filters.http.cors": { "@type": expect.stringContaining("CorsPolicy"), maxAge: "1" },
    });
  });

  test("redirects and direct responses may edit headers", () => {
    const headers = { response: { set: { "x-a": "1" } } };
    expect(only({ headers, redirect: { uri: "/b" } }).route).toMatchObject({
      redirect: { pathRedirect: "/b" },
      responseHeadersToAdd: [{ header: { key: "x-a", value: "1" } }],
      decorator: { operation: "reviews:9080/*" },
    });
    expect(only({ headers, directResponse: { status: 200 } }).route).toMatchObject({ directResponse: { status: 200 } });
  });

  test("the port of a destination", () => {
    expect(only({ route: [{ destination: { host: "other", port: { number: 81 } } }] }).route.route?.cluster).toBe(
      "outbound|81||other.default.svc.cluster.local",
    );
    expect(only({ route: [{ destination: { host: "other" } }] }).route.route?.cluster).toBe(
      "outbound|9080||other.default.svc.cluster.local",
    );
  });

  test("consistent hashing of the destination keeps retries on the same host", () => {
    const loadBalancer = { consistentHash: { httpHeaderName: "x-user" } };
    const rule = anObject("DestinationRule", "reviews", { host: "reviews", trafficPolicy: { loadBalancer } });
    const { route } = only({ route: to("v1") }, { more: [rule] });
    expect(route.route?.hashPolicy).toEqual([{ header: { headerName: "x-user" } }]);
    expect(route.route?.retryPolicy).not.toHaveProperty("retryHostPredicate");
  });
});

describe("what cannot be translated is reported and left out", () => {
  test.each<[string, HttpRoute, string, string, number]>([
    [
      "delay",
      { fault: { delay: { exponentialDelay: "1s" } }, route: to("v1") },
      "unsupported-field",
      "spec.http[0].fault.delay.exponentialDelay",
      1,
    ],
    [
      "abort",
      { fault: { abort: { http2Error: "x" } }, route: to("v1") },
      "unsupported-field",
      "spec.http[0].fault.abort.http2Error",
      1,
    ],
    [
      "status",
      { match: [{ uri: { prefix: "/a" } }], redirect: { redirectCode: 305 } },
      "unsupported-field",
      "spec.http[0].redirect.redirectCode",
      0,
    ],
    [
      "labels beside gateways",
      { match: [{ uri: { prefix: "/a" } }, { gateways: ["mesh"], sourceLabels: { app: "x" } }], route: to("v1") },
      "unsupported-field",
      "spec.http[0].match[1].sourceLabels",
      2,
    ],
    [
      "the former list of origins",
      { corsPolicy: { allowOrigin: ["a"], allowOrigins: [{ exact: "b" }] }, route: to("v1") },
      "unsupported-field",
      "spec.http[0].corsPolicy.allowOrigin",
      1,
    ],
    [
      "no route",
      { match: [{ uri: { prefix: "/a" } }], route: [] },
      "route-without-destination",
      "spec.http[0].route",
      0,
    ],
  ])("%s", (_, rule, code, path, made) => {
    const { routes, diagnostics: all } = routesOfReviews({ http: [rule] });
    // The subset is of no DestinationRule here, which is said too.
    const diagnostics = all.filter((one) => one.code !== "unknown-subset");
    expect(diagnostics).toMatchObject([{ code, path, object: { kind: "VirtualService", name: "reviews" } }]);
    expect(routes.filter(({ metadata }) => metadata !== undefined)).toHaveLength(made);
  });
});

describe("where routes come from", () => {
  const root = reviewsRoutes({
    http: [
      { match: [{ uri: { prefix: "/a" } }], delegate: { name: "leaf", namespace: "other" } },
      {
        route: [
          { destination: { host: "reviews", subset: "v1" }, weight: 1 },
          { destination: { host: "reviews" }, weight: 2 },
        ],
      },
    ],
  });
  const leaf = anObject("VirtualService", "leaf", { http: [{ name: "l", route: to("v2") }] }, { namespace: "other" });
  const rule = anObject("DestinationRule", "reviews", {
    host: "reviews",
    subsets: [{ name: "v1", trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } }],
  });

  test("each route and weighted cluster, delegates as themselves", () => {
    const provenance = new WeakMap();
    const mesh = meshOf([aService(REVIEWS)], [root, leaf, rule]);
    const { resource, sources } = routeConfiguration(mesh, aNode(), "9080", provenance);
    const [first, second] = resource.virtualHosts?.[0]?.routes ?? [];
    expect(provenance.get(first ?? {})).toEqual(sourceOf(leaf, "spec.http[0]"));
    expect(provenance.get(second ?? {})).toEqual(sourceOf(root, "spec.http[1]"));
    const weighted = second?.route?.weightedClusters?.clusters ?? [];
    expect(weighted.map((one) => provenance.get(one))).toEqual([
      sourceOf(root, "spec.http[1].route[0]"),
      sourceOf(root, "spec.http[1].route[1]"),
    ]);
    const [hash] = second?.route?.hashPolicy ?? [];
    expect(provenance.get(hash ?? {})).toEqual(
      sourceOf(rule, "spec.subsets[0].trafficPolicy.loadBalancer.consistentHash"),
    );
    expect(sources.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "VirtualService reviews",
      "VirtualService leaf",
      "DestinationRule reviews",
      "Service reviews",
    ]);
    expect(provenance.get(resource.virtualHosts?.[0] ?? {})).toEqual({
      object: { kind: "Service", namespace: "default", name: "reviews" },
      path: "",
    });
  });
});

describe("destinations that lead nowhere are said", () => {
  test.each<[string, HttpRoute, string, string]>([
    [
      "no such service",
      { route: [{ destination: { host: "gone.example.com" } }] },
      "unknown-destination",
      "spec.http[0].route[0].destination",
    ],
    ["no such subset", { route: to("nosuch") }, "unknown-subset", "spec.http[0].route[0].destination"],
    [
      "no such port",
      { route: [{ destination: { host: "reviews.default.svc.cluster.local", port: { number: 4 } } }] },
      "unknown-port",
      "spec.http[0].route[0].destination",
    ],
  ])("%s", (_, rule, code, path) => {
    const { routes, diagnostics } = routesOfReviews({ http: [rule] });
    expect(routes).toHaveLength(1);
    expect(diagnostics.map((one) => [one.code, one.path])).toEqual([[code, path]]);
  });
});
