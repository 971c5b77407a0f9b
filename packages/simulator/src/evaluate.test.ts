import { beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "./answer.ts";
import { SimulatorError } from "./error.ts";
import { evaluate, type Question } from "./evaluate.ts";
import { routeResult } from "./expectation.ts";
import { meshFromYaml } from "./mesh/from-yaml.ts";
import { assertOutcome, assertRoutesTo } from "./testing.ts";

const deployment = (name: string, app: string, version: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${app}, version: ${version}}}
  template:
    metadata: {labels: {app: ${app}, version: ${version}}}
    spec:
      serviceAccountName: ${app}
      containers: [{name: app, ports: [{containerPort: 8080}]}]
---`;

const SERVICES = `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  clusterIP: 10.1.0.1
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: stock}
spec:
  clusterIP: 10.1.0.2
  selector: {app: stock}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-sync, port: 9000}]
---${deployment("shop-v1", "shop", "v1")}${deployment("stock-v1", "stock", "v1")}${deployment("stock-v2", "stock", "v2")}${deployment("edge", "edge", "v1")}
apiVersion: v1
kind: Service
metadata: {name: edge}
spec:
  selector: {app: edge}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;

const ROUTES = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stock}
spec:
  host: stock
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http:
  - match: [{uri: {exact: /old}}]
    redirect: {uri: /new, redirectCode: 302}
  - match: [{uri: {prefix: /teapot}}]
    directResponse: {status: 418, body: {string: short and stout}}
  - match: [{headers: {x-test: {exact: "1"}}}]
    fault: {abort: {percentage: {value: 10}, httpStatus: 503}, delay: {percentage: {value: 50}, fixedDelay: 5s}}
    timeout: 2s
    rewrite: {uri: /rewritten}
    mirror: {host: shop}
    route: [{destination: {host: stock, subset: v2}}]
  - route:
    - {destination: {host: stock, subset: v1}, weight: 90}
    - {destination: {host: stock, subset: v2}, weight: 10}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {app: edge}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["shop.example.com"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
  - match: [{uri: {prefix: /shop}}]
    route: [{destination: {host: shop}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: shop-reads}
spec:
  selector: {matchLabels: {app: stock}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/default/sa/shop]}}]
    to: [{operation: {methods: [GET]}}]
`;

const { mesh, diagnostics } = meshFromYaml([
  { file: "services.yaml", text: SERVICES },
  { file: "routes.yaml", text: ROUTES },
]);
const ask = (from: string, url: string, more: Partial<Question["request"]> = {}): Answer =>
  evaluate(mesh, { from, request: { url, ...more } });
const STOCK = "stock.default.svc.cluster.local";

test("the texts are sound", () => {
  expect(diagnostics).toEqual([]);
});

describe("routes", () => {
  test("weights are exact shares", () => {
    const { outcome, destinations } = ask("shop.default", "http://stock/");
    expect(outcome).toBe("routed");
    expect(destinations.map(({ service, subset, port, share }) => ({ service, subset, port, share }))).toEqual([
      { service: STOCK, subset: "v1", port: 80, share: 0.9 },
      { service: STOCK, subset: "v2", port: 80, share: 0.1 },
    ]);
  });

  test("faults take their share, policy and rewrites are told", () => {
    const answer = ask("shop-v1.default", "http://stock.default/", { headers: { "X-Test": "1" } });
    expect(answer.destinations).toMatchObject([{ subset: "v2", share: 0.9, tls: "mutual" }]);
    expect(answer.response).toMatchObject({ status: 503, by: "fault", share: 0.1 });
    expect(answer.rewrites).toMatchObject({ path: "/rewritten" });
    expect(answer.policy).toMatchObject({
      timeout: "2s",
      mirrors: [{ service: "shop.default.svc.cluster.local", share: 1 }],
      delays: [{ duration: "5s", share: 0.5 }],
    });
  });

  test("redirects and direct responses", () => {
    expect(ask("shop.default", "http://stock/old")).toMatchObject({
      outcome: "redirected",
      response: { status: 302, headers: { location: "http://stock/new" } },
    });
    expect(ask("shop.default", "http://stock/teapot/x")).toMatchObject({
      outcome: "responded",
      response: { status: 418, body: "short and stout" },
      destinations: [],
    });
  });

  test("TCP, and a world outside", () => {
    expect(ask("shop.default", "tcp://stock:9000").destinations).toMatchObject([
      { service: STOCK, port: 9000, share: 1 },
    ]);
    expect(ask("shop.default", "https://example.com/").destinations).toMatchObject([{ cluster: "PassthroughCluster" }]);
  });

  test("through a gateway, by the port of its Service", () => {
    const host = { headers: { host: "shop.example.com" } };
    expect(ask("edge.default", "http://shop.example.com/shop/cart").destinations).toMatchObject([
      { service: "shop.default.svc.cluster.local", share: 1 },
    ]);
    expect(ask("edge.default", "http://203.0.113.1/shop", host).outcome).toBe("routed");
    expect(ask("edge.default", "http://shop.example.com/").outcome).toBe("unroutable");
    expect(ask("edge.default", "http://other.example.com/shop").outcome).toBe("unroutable");
  });
});

describe("policies of the callee", () => {
  test("who may do what", () => {
    expect(ask("shop.default", "http://stock/", { method: "POST" })).toMatchObject({
      outcome: "denied",
      response: { status: 403, by: "rbac" },
    });
    expect(ask("edge.default", "http://shop.example.com/shop").outcome).toBe("routed");
    expect(ask("stock.default", "http://stock/").outcome).toBe("denied");
  });

  test("are left aside when asked", () => {
    const question = { from: "stock.default", request: { url: "http://stock/" } };
    expect(evaluate(mesh, question, { callees: false }).outcome).toBe("routed");
  });
});

describe("requests for another protocol", () => {
  test("web sockets are allowed, other upgrades are not", () => {
    expect(ask("shop.default", "ws://stock/").outcome).toBe("routed");
    const other = ask("shop.default", "http://stock/", { headers: { connection: "Upgrade", upgrade: "other" } });
    expect(other).toMatchObject({ outcome: "responded", response: { status: 403 } });
  });

  test("CONNECT has no path: routes by path do not match it", () => {
    const { outcome, response, trace } = ask("shop.default", "http://stock/", { method: "CONNECT" });
    expect({ outcome, status: response?.status }).toEqual({ outcome: "unroutable", status: 404 });
    expect(trace.find(({ step }) => step === "route")?.reason).toBe("CONNECT has no path");
  });
});

describe("requests from elsewhere", () => {
  const inbound = (peer: string | undefined, method = "GET") =>
    evaluate(mesh, {
      from: "stock.default",
      request: { url: "http://any:8080/", method },
      inbound: peer === undefined ? {} : { peer },
    });

  test("come in to a workload with a certificate, or without", () => {
    const own = inbound("spiffe://cluster.local/ns/default/sa/shop");
    expect([own.outcome, inbound("spiffe://cluster.local/ns/default/sa/other").outcome]).toEqual(["routed", "denied"]);
    expect([inbound(undefined).outcome, inbound("spiffe://cluster.local/ns/default/sa/shop", "PUT").outcome]).toEqual([
      "denied",
      "denied",
    ]);
  });
});

describe("reasons", () => {
  let answer: Answer;
  beforeAll(() => {
    answer = ask("shop.default", "http://stock/");
  });

  test("every route that was tried, with its line", () => {
    const routes = answer.trace.filter(({ step }) => step === "route");
    expect(routes.map(({ matched, source }) => [matched, source?.file, source?.path])).toEqual([
      [false, "routes.yaml", "spec.http[0].match[0]"],
      [false, "routes.yaml", "spec.http[1].match[0]"],
      [false, "routes.yaml", "spec.http[2].match[0]"],
      [true, "routes.yaml", "spec.http[3]"],
    ]);
    expect(routes[2]?.reason).toContain("x-test is absent");
    expect(ROUTES.split("\n")[(routes[3]?.source?.line ?? 0) - 1]).toContain("- route:");
  });

  test("a port that a service does not have is said first", () => {
    const [first] = ask("shop.default", "http://stock:81/").trace;
    expect(first).toMatchObject({ step: "name", matched: false, source: { object: "Service default/stock" } });
    expect(first?.reason).toContain("has no port 81; it has 80 (http)");
  });

  test("as text", () => {
    expect(answer.explain()).toMatch(/^http:\/\/stock\/ from shop\.default: routed, 90 % to stock.*v1, 10 % to stock/);
    expect(answer.explain()).toMatch(/routes\.yaml:\d+:\d+ VirtualService default\/stock spec\.http\[3\]/);
  });

  test("a failed expectation names the line", () => {
    expect(routeResult(answer, { service: "stock.default", subset: "v1", share: 0.9 }).pass).toBe(true);
    const failed = routeResult(answer, { service: "stock.default", subset: "v2", share: 1 });
    expect(failed.pass).toBe(false);
    expect(failed.message()).toMatch(/expected 100 % to stock\.default subset v2, got routed: 90 %/);
    expect(failed.message()).toMatch(/routes\.yaml:\d+ VirtualService default\/stock spec\.http\[3\]/);
    expect(() => assertRoutesTo(answer, { service: "shop.default" })).toThrow(/routes\.yaml/);
    expect(() => assertOutcome(answer, "denied")).toThrow(/expected the outcome denied/);
    assertOutcome(answer, "routed");
  });
});

describe("questions that have no answer", () => {
  const error = (question: Question) => {
    try {
      evaluate(mesh, question);
    } catch (thrown) {
      return thrown instanceof SimulatorError ? `${thrown.code}: ${thrown.message}` : thrown;
    }
    return undefined;
  };
  test.each<[Question, RegExp]>([
    [
      { from: "shopp.default", request: { url: "http://stock/" } },
      /^unknown-workload: .*shopp.*nearest.*shop\.default/,
    ],
    [{ from: "shop.other", request: { url: "http://stock/" } }, /^unknown-workload: .*namespace other/],
    [{ from: "shop.default", request: { url: "http://stok/" } }, /^unknown-host: .*nearest.*stock/],
    [{ from: "shop.default", request: { url: "http://stok.default.svc/" } }, /^unknown-host/],
    [{ from: "shop.default", request: { url: "stock/" } }, /^malformed-request: .*no URL/],
    [{ from: "shop.default", request: { url: "ftp://stock/" } }, /^malformed-request: .*scheme ftp/],
    [{ from: "shop.default", request: { url: "http://stock:99999/" } }, /^malformed-request: 99999 is no port/],
    [{ from: "shop.default", request: { url: "tcp://stock" } }, /^malformed-request: .*needs a port/],
    [{ from: "shop.default", request: { url: "http://stock/", headers: { "a b": "" } } }, /^malformed-request: "a b"/],
    [
      { from: "shop.default", request: { url: "http://stock/", headers: { a: "\n" } } },
      /^malformed-request: .*control/,
    ],
    [{ from: "shop.default", at: "nowhere", request: { url: "http://stock/" } }, /^malformed-request: .*ADDRESS:PORT/],
  ])("%j", (question, message) => {
    expect(error(question)).toMatch(message);
  });
});
