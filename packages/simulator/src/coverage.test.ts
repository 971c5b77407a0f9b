import { expect, test } from "vitest";
import { routeCoverage } from "./coverage.ts";
import { evaluate } from "./evaluate.ts";
import { meshFromYaml } from "./mesh/from-yaml.ts";

const text = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80}, {name: tcp-sync, port: 9000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-1, labels: {app: shop}}
status: {podIP: 10.2.0.1}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http:
  - match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}]
    directResponse: {status: 418}
  - route: [{destination: {host: stock}}]
`;

test("rules are covered by the requests that take them", () => {
  const { mesh } = meshFromYaml([{ file: "stock.yaml", text }]);
  const coverage = routeCoverage(mesh);
  const ask = (url: string) => coverage.add(evaluate(mesh, { from: "shop.default", request: { url } }));
  const reached = () => coverage.rules().map((rule) => rule.reached);
  expect(coverage.share()).toBe(0);
  ask("http://stock/b");
  expect(reached()).toEqual([true, false]);
  ask("http://stock/");
  expect(coverage.share()).toBe(1);
  expect(coverage.rules()[1]).toMatchObject({
    object: "VirtualService default/stock",
    path: "spec.http[1]",
    position: { file: "stock.yaml", line: 20 },
  });
});

test("rules for TCP and TLS, and policies", () => {
  const more = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside}
spec: {hosts: [a.example.com, b.example.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside}
spec:
  hosts: [a.example.com, b.example.com]
  tls:
  - match: [{sniHosts: [a.example.com]}]
    route: [{destination: {host: a.example.com}}]
  - match: [{sniHosts: [b.example.com]}]
    route: [{destination: {host: a.example.com}, weight: 50}, {destination: {host: b.example.com}, weight: 50}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: sync}
spec: {hosts: [stock], tcp: [{match: [{port: 9000}], route: [{destination: {host: stock}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, labels: {app: stock}}
status: {podIP: 10.2.0.2}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: few}
spec:
  selector: {matchLabels: {app: stock}}
  action: DENY
  rules:
  - to: [{operation: {ports: ["80"], methods: [DELETE]}}]
  - to: [{operation: {ports: ["80"], methods: [PUT]}}]
`;
  const { mesh, diagnostics } = meshFromYaml([{ file: "stock.yaml", text: `${text}---${more}` }]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const coverage = routeCoverage(mesh);
  const ask = (request: { url: string; method?: string }) =>
    coverage.add(evaluate(mesh, { from: "shop.default", request }));
  const reached = () =>
    coverage
      .rules()
      .filter((rule) => rule.reached)
      .map(({ object, path }) => `${object} ${path}`);
  ask({ url: "tls://b.example.com:443" });
  expect(reached()).toEqual(["VirtualService default/outside spec.tls[1]"]);
  ask({ url: "tls://a.example.com:443" });
  ask({ url: "tcp://stock:9000" });
  expect(reached()).toEqual([
    "VirtualService default/outside spec.tls[0]",
    "VirtualService default/outside spec.tls[1]",
    "VirtualService default/sync spec.tcp[0]",
  ]);
  ask({ url: "http://stock/", method: "PUT" });
  expect(coverage.policies().map((rule) => [rule.path, rule.reached])).toEqual([
    ["spec.rules[0]", false],
    ["spec.rules[1]", true],
  ]);
});

test("a mesh without rules is covered", () => {
  expect(routeCoverage(meshFromYaml([]).mesh).share()).toBe(1);
});
