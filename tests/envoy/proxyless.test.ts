import { textStore } from "@fairlead/config";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { register } from "@grpc/grpc-js-xds";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askBackend, startBackend } from "../support/grpc-backend.ts";

/** Programs without a proxy: gRPC's own xDS client is served the same mesh in the form it takes. */

const mesh = (ports: readonly [number, number], weights: readonly [number, number]) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.default.svc.cluster.local]
  ports: [{number: 9000, name: grpc, protocol: GRPC}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - {address: 127.0.0.1, ports: {grpc: ${ports[0]}}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {grpc: ${ports[1]}}, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop.default.svc.cluster.local
  trafficPolicy: {connectionPool: {http: {http2MaxRequests: 1000}, tcp: {maxConnections: 7}}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.default.svc.cluster.local]
  http:
  - match: [{headers: {tester: {exact: "yes"}}}]
    route: [{destination: {host: shop.default.svc.cluster.local, subset: v2}}]
  - route:
    - {destination: {host: shop.default.svc.cluster.local, subset: v1}, weight: ${weights[0]}}
    - {destination: {host: shop.default.svc.cluster.local, subset: v2}, weight: ${weights[1]}}
`;

describe("gRPC without a proxy", () => {
  const stack = new AsyncDisposableStack();
  const store = textStore({});
  const nacks: string[] = [];
  let plane: ControlPlane;
  let ports: readonly [number, number];

  beforeAll(async () => {
    const [v1, v2] = [stack.use(await startBackend("v1")), stack.use(await startBackend("v2"))];
    ports = [v1.port, v2.port];
    store.set({ mesh: mesh(ports, [100, 0]) });
    plane = stack.use(await createControlPlane({ config: store }));
    plane.on("nack", ({ message }) => void nacks.push(message));
    const { ads } = await plane.listen({ ads: "127.0.63.1:0" });
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
      xds_servers: [{ server_uri: ads, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
      node: {
        id: "sidecar~127.0.63.9~page-1.default~default.svc.cluster.local",
        metadata: { GENERATOR: "grpc" },
        locality: { region: "here" },
      },
    });
    register();
  });
  afterAll(() => stack.disposeAsync());

  it.each(["shop.default.svc.cluster.local:9000", "shop.default:9000", "shop:9000"])(
    "dials xds:///%s",
    async (name) => {
      using client = askBackend(`xds:///${name}`);
      for (let index = 0; index < 5; index++) expect(await client.who()).toBe("v1");
      expect(await client.who({ tester: "yes" })).toBe("v2");
      expect(nacks).toEqual([]);
    },
  );

  it("follows a VirtualService", async () => {
    using client = askBackend("xds:///shop.default.svc.cluster.local:9000");
    expect(await client.who()).toBe("v1");
    store.set({ mesh: mesh(ports, [0, 100]) });
    await plane.converged();
    await expect.poll(() => client.who(), { timeout: 5000 }).toBe("v2");
    expect(nacks).toEqual([]);
  });

  it("reaches services by the name of their endpoint, and instances of headless ones", async () => {
    const entry = (name: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example]
  ports: [{number: 9000, name: grpc, protocol: GRPC}]
  location: MESH_INTERNAL
  ${spec}
`;
    store.set({
      "dns.yaml": entry("named", `resolution: DNS\n  endpoints: [{address: localhost, ports: {grpc: ${ports[0]}}}]`),
      "none.yaml": entry("headless", "resolution: NONE\n  workloadSelector: {labels: {app: headless}}"),
      "instance.yaml": `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: headless}
spec: {address: 127.0.0.1, ports: {grpc: ${ports[1]}}, labels: {app: headless}}
`,
    });
    await plane.converged();
    using named = askBackend("xds:///named.example:9000");
    expect(await named.who()).toBe("v1");
    using headless = askBackend("xds:///headless.example:9000");
    expect(await headless.who()).toBe("v2");
    expect(nacks).toEqual([]);
    store.set({ "dns.yaml": undefined, "none.yaml": undefined, "instance.yaml": undefined });
  });

  it("is told what it does not know", () => {
    expect(plane.diagnostics().map(({ code, path, object }) => [code, path, object?.name])).toEqual([
      ["unsupported-field", "spec.trafficPolicy.connectionPool.tcp", "shop"],
    ]);
  });
});
