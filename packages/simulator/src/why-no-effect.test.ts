import { expect, test } from "vitest";
import { meshFromYaml } from "./mesh/from-yaml.ts";
import { type EffectKind, whyNoEffect } from "./why-no-effect.ts";

const BASE = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, labels: {app: stock}}
status: {podIP: 10.2.0.1}
---
`;
const object = (group: string, kind: string, name: string, spec: string) => `
apiVersion: ${group}.istio.io/v1
kind: ${kind}
metadata: {name: ${name}}
spec: {${spec}}
---`;
const why = (kind: EffectKind, name: string, ...objects: string[]) => {
  const { mesh } = meshFromYaml([{ file: "mesh.yaml", text: BASE + objects.join("") }]);
  return whyNoEffect(mesh, { kind, namespace: "default", name });
};
const routes = (name: string, spec: string) => object("networking", "VirtualService", name, spec);
const rules = (name: string, spec: string) => object("networking", "DestinationRule", name, spec);
const all = "{route: [{destination: {host: stock}}]}";

test("what has an effect says where", () => {
  const effect = why("VirtualService", "stock", routes("stock", `hosts: [stock], http: [${all}]`));
  expect(effect).toEqual({ proxies: ["stock-1.default"], reasons: [] });
});

test.each([
  [
    "a host that no service has",
    `hosts: [stok], http: [${all}]`,
    "spec.hosts[0]",
    /no service is named stok.default.* stock.default/,
  ],
  [
    "a gateway that is not there",
    `hosts: [stock], gateways: [edge], http: [${all}]`,
    "spec.gateways[0]",
    /no Gateway default\/edge/,
  ],
  [
    "an earlier rule",
    `hosts: [stock], http: [${all}, {match: [{uri: {prefix: /a}}], directResponse: {status: 403}}]`,
    "spec.http[1]",
    /spec.http\[0\] takes all/,
  ],
])("a VirtualService: %s", (_, spec, path, message) => {
  const { reasons } = why("VirtualService", "stock", routes("stock", spec));
  expect(reasons).toMatchObject([{ path, message: expect.stringMatching(message), position: { file: "mesh.yaml" } }]);
});

test("an older VirtualService takes the host", () => {
  const { proxies, reasons } = why(
    "VirtualService",
    "stock-b",
    routes("stock-a", `hosts: [stock], http: [${all}]`),
    routes("stock-b", `hosts: [stock], http: [${all}]`),
  );
  expect({ proxies, messages: reasons.map(({ message }) => message) }).toEqual({
    proxies: [],
    messages: ["VirtualService default/stock-a is older and has this host: sidecars take one for a host"],
  });
});

test("an older DestinationRule counts", () => {
  const policy = "trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}";
  const { reasons } = why(
    "DestinationRule",
    "b",
    rules("a", `host: stock, ${policy}`),
    rules("b", `host: stock, ${policy}, subsets: [{name: x}]`),
  );
  expect(reasons).toMatchObject([
    { path: "spec.trafficPolicy", message: expect.stringContaining("default/a is older") },
  ]);
});

test("a policy that selects nobody", () => {
  const policy = object("security", "AuthorizationPolicy", "p", "selector: {matchLabels: {app: gone}}, rules: [{}]");
  expect(why("AuthorizationPolicy", "p", policy)).toMatchObject({ proxies: [], reasons: [{ path: "spec.selector" }] });
});

test("an object that is not there", () => {
  expect(() => why("DestinationRule", "c", rules("a", "host: stock"))).toThrow(
    /no DestinationRule default\/c; nearest of 1 known: default\/a/,
  );
});
