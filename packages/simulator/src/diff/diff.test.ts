import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import { meshFromYaml } from "../mesh/from-yaml.ts";
import { diff } from "./diff.ts";

const BASE = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-1, labels: {app: shop}}
status: {podIP: 10.2.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-2, labels: {app: shop}}
status: {podIP: 10.2.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, labels: {app: stock, version: v1}}
status: {podIP: 10.2.0.3}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stock}
spec: {host: stock, subsets: [{name: v1, labels: {version: v1}}]}
`;
const route = (http: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock], http: [${http}]}
`;
const mesh = (...texts: string[]) => meshFromYaml(texts.map((text, index) => ({ file: `${index}.yaml`, text }))).mesh;
const plain = "{route: [{destination: {host: stock}}]}";
const special =
  "{match: [{uri: {prefix: /v1}, headers: {x-a: {exact: b}}}], route: [{destination: {host: stock, subset: v1}}]}";

describe("a new route", () => {
  const before = mesh(BASE, route(plain));
  const after = mesh(BASE, route(`${special}, ${plain}`));
  const changes = diff(before, after);

  test("reaches the proxies that call, replicas once", () => {
    expect(changes.map(({ proxy, alike }) => [proxy, alike])).toContainEqual(["shop-1.default", ["shop-2.default"]]);
    const resources = changes.find(({ proxy }) => proxy === "shop-1.default")?.resources;
    expect(resources?.map(({ type, name, change }) => [type, name, change])).toEqual([["routes", "80", "changed"]]);
  });

  test("has a witness that can be run", () => {
    const [witness, ...others] = changes.find(({ proxy }) => proxy === "shop-1.default")?.behaviour ?? [];
    expect(others).toEqual([]);
    expect(witness?.question.request).toMatchObject({ headers: { "x-a": "b" } });
    expect(witness?.question.request.url).toContain("/v1");
    expect(witness?.differs).toEqual(["destinations"]);
    expect(witness && evaluate(before, witness.question).destinations[0]?.subset).toBe("");
    expect(witness && evaluate(after, witness.question).destinations[0]?.subset).toBe("v1");
  });
});

test("a policy of the callee shows at the caller", () => {
  const policy =
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: none}\nspec: {selector: {matchLabels: {app: stock}}}\n";
  const changes = diff(mesh(BASE), mesh(BASE, policy), { from: ["shop-1.default"] });
  expect(changes).toHaveLength(1);
  expect(changes[0]?.resources).toEqual([]);
  expect(changes[0]?.behaviour[0]).toMatchObject({ before: { outcome: "routed" }, after: { outcome: "denied" } });
});

test("another order of the same, and comments, change nothing", () => {
  const [first = "", ...rest] = BASE.split("---\n");
  expect(
    diff(mesh(BASE, route(plain)), mesh(`# the same\n${route(plain)}`, [...rest.reverse(), first].join("---\n"))),
  ).toEqual([]);
});

test("the part of a resource that differs has a pointer", () => {
  const weighted = "{route: [{destination: {host: stock}}], timeout: 3s}";
  const [change] = diff(mesh(BASE, route(plain)), mesh(BASE, route(weighted)), { from: ["shop-1.default"] });
  expect(change?.resources[0]?.parts).toContain("/virtualHosts/0/routes/0/route/timeout");
  expect(change?.behaviour[0]?.differs).toEqual(["policy"]);
});

describe("what decides besides routes", () => {
  const only = (before: string, after: string, from = "stock-1.default") =>
    diff(mesh(BASE, before), mesh(BASE, after), { from: [from] })[0];
  const istio = (kind: string, spec: string, group = "networking") =>
    `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: {name: more}\nspec: ${spec}\n`;

  test("tokens: one that is not taken is refused", () => {
    const jwt = istio(
      "RequestAuthentication",
      `{selector: {matchLabels: {app: stock}}, jwtRules: [{issuer: me, jwks: '{"keys":[]}'}]}`,
      "security",
    );
    const refused = only("", jwt)?.behaviour.find(({ after }) => after.response?.status === 401);
    expect(refused?.question).toMatchObject({ request: { claims: { iss: "witness" } }, inbound: {} });
  });

  test("mutual TLS: who comes without is turned away", () => {
    const strict = istio("PeerAuthentication", "{mtls: {mode: STRICT}}", "security");
    const turned = only("", strict)?.behaviour.map(({ question, after }) => [question.inbound, after.outcome]);
    expect(turned).toContainEqual([{}, "unroutable"]);
    expect(turned?.every(([inbound]) => JSON.stringify(inbound) === "{}")).toBe(true);
  });

  test("a policy: the smallest request that it refuses, from who it is about", () => {
    const rule = "{to: [{operation: {paths: [/admin*]}}], from: [{source: {namespaces: [a]}}]}";
    const deny = istio("AuthorizationPolicy", `{action: DENY, rules: [${rule}]}`, "security");
    const denied = only("", deny)?.behaviour.filter(({ after }) => after.outcome === "denied");
    expect(denied?.[0]?.question).toMatchObject({
      request: { url: expect.stringMatching(/\/admin$/) },
      inbound: { peer: "spiffe://cluster.local/ns/a/sa/witness" },
    });
  });

  test("a cluster: which of its settings is another", () => {
    const rule = (errors: number) =>
      istio("DestinationRule", `{host: shop, trafficPolicy: {outlierDetection: {consecutive5xxErrors: ${errors}}}}`);
    const shop =
      "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {clusterIP: 10.1.0.3, selector: {app: shop}, ports: [{name: http, port: 80}]}\n---\n";
    const [change] = only(shop + rule(5), shop + rule(7))?.behaviour ?? [];
    expect(change?.differs).toEqual(["settings"]);
    expect(change?.settings).toMatchObject([
      { place: "cluster", path: "/outlierDetection/consecutive5xx", before: 5, after: 7 },
    ]);
  });

  test("what leads nowhere, and what is only told, changes nothing", () => {
    const subset = istio("DestinationRule", "{host: stock, subsets: [{name: v9, labels: {version: v9}}]}");
    const logs = istio("Telemetry", "{accessLogging: [{providers: [{name: envoy}]}]}", "telemetry");
    for (const [text, words] of [
      [subset, /no listener and no route of the proxy leads to it|it means the same/],
      [logs, /it means the same/],
    ] as const) {
      const change = only("", text);
      expect(change?.behaviour).toEqual([]);
      expect(change?.resources.length).toBeGreaterThan(0);
      for (const { effect, because } of change?.resources ?? [])
        expect([effect, because]).toEqual(["none", expect.stringMatching(words)]);
    }
  });

  test("weights of one proportion mean the same", () => {
    const split = (a: number, b: number) =>
      route(
        `{route: [{destination: {host: stock}, weight: ${a}}, {destination: {host: stock, subset: v1}, weight: ${b}}]}`,
      );
    expect(only(split(1, 3), split(25, 75))?.resources.map(({ effect }) => effect)).toEqual(["none"]);
  });
});
