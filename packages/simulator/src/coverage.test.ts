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

test("a mesh without rules is covered", () => {
  expect(routeCoverage(meshFromYaml([]).mesh).share()).toBe(1);
});
