import { expect, it } from "vitest";
import { evaluate } from "../evaluate.ts";
import { meshFromYaml } from "./from-yaml.ts";

const MESH = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: ingress}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: web, namespace: ingress}]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny, namespace: ingress}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  action: DENY
  rules: [{to: [{operation: {paths: [/admin]}}]}]
`;
/** As a controller labels it; the Service in front of it is not in the files. */
const POD = `
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: ingress, labels: {gateway.networking.k8s.io/gateway-name: web}}
status: {podIP: 10.9.9.9, phase: Running}
`;

it.each([
  ["web-istio.ingress", MESH],
  ["web-1.ingress", `${MESH}---${POD}`],
])("the proxies of a Gateway, %s, have its routes and the policies that name it", (from, text) => {
  const { mesh } = meshFromYaml([{ file: "mesh.yaml", text }]);
  const ask = (path: string) => evaluate(mesh, { from, request: { url: `http://shop.example.com${path}` } });
  expect(ask("/").destinations).toMatchObject([{ service: "shop.default.svc.cluster.local", share: 1 }]);
  expect(ask("/admin").outcome).toBe("denied");
});
