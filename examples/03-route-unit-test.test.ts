// Routing as a unit test: `node --test` asks the mesh of some YAML where requests go. No proxy and no port is needed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, meshFromYaml } from "@fairlead/simulator";
import { assertRoutesTo } from "@fairlead/simulator/testing";

const services = ["reviews", "page"].map(
  (name) => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80 }] }
`,
);
const pods = [
  ["page", "v1"],
  ["reviews", "v1"],
  ["reviews", "v2"],
].map(
  ([app, version], index) => `
apiVersion: v1
kind: Pod
metadata: { name: ${app}-${version}, labels: { app: ${app}, version: ${version} } }
status: { podIP: 10.0.0.${index + 1}, phase: Running, conditions: [{ type: Ready, status: "True" }] }
`,
);
const routing = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews, subset: v2 } }]
    - route: [{ destination: { host: reviews, subset: v1 }, weight: 90 }, { destination: { host: reviews, subset: v2 }, weight: 10 }]
`;
const text = [...services, ...pods, routing].join("---\n");
const { mesh, diagnostics } = meshFromYaml([{ file: "shop.yaml", text }]);
const ask = (headers = {}) => evaluate(mesh, { from: "page.default", request: { url: "http://reviews/", headers } });

test("the configuration has no faults", () => assert.deepEqual(diagnostics, []));

test("jason sees v2", () =>
  assertRoutesTo(ask({ "end-user": "jason" }), { service: "reviews.default", subset: "v2", share: 1 }));

test("everybody else is split 90 to 10", () => {
  assertRoutesTo(ask(), { service: "reviews.default", subset: "v1", share: 0.9 });
  assertRoutesTo(ask(), { service: "reviews.default", subset: "v2", share: 0.1 });
});
