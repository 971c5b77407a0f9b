import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { workloadSpiffeId } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { outsideAuthority, tlsSecret } from "../support/server-certificate.ts";

const GATEWAY = "127.0.61.12";
const CLIENT = "127.0.61.13";

const mesh = (backend: number) => `
apiVersion: v1
kind: Service
metadata: { name: gateway, namespace: shop }
spec:
  type: LoadBalancer
  clusterIP: 10.96.1.1
  selector: { app: gateway }
  ports:
  - { name: https, port: 443, targetPort: 9443, protocol: TCP }
  - { name: http3, port: 443, targetPort: 9443, protocol: UDP }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  selector: { app: gateway }
  servers:
  - port: { number: 443, name: https, protocol: HTTPS }
    bind: ${GATEWAY}
    hosts: [shop.example]
    tls: { mode: SIMPLE, credentialName: shop-tls }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: shop }
spec:
  hosts: [shop.example]
  gateways: [shop]
  http: [{ route: [{ destination: { host: backend.example } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend, namespace: shop }
spec:
  hosts: [backend.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${backend} } }]
`;

/** An Envoy as a client: plain HTTP in, HTTP/3 out. */
function http3Client(roots: string) {
  const any = (type: string, fields: object) => ({ "@type": `type.googleapis.com/${type}`, ...fields });
  const manager = any("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    statPrefix: "client",
    routeConfig: {
      virtualHosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "http3", hostRewriteLiteral: "shop.example" } }],
        },
      ],
    },
    httpFilters: [{ name: "router", typedConfig: any("envoy.extensions.filters.http.router.v3.Router", {}) }],
  });
  return (bootstrap: Record<string, unknown>) => ({
    node: bootstrap.node,
    admin: bootstrap.admin,
    staticResources: {
      listeners: [
        {
          name: "in",
          address: { socketAddress: { address: CLIENT, portValue: 9080 } },
          filterChains: [{ filters: [{ name: "http", typedConfig: manager }] }],
        },
      ],
      clusters: [
        {
          name: "http3",
          type: "STATIC",
          loadAssignment: {
            clusterName: "http3",
            endpoints: [
              {
                lbEndpoints: [
                  { endpoint: { address: { socketAddress: { protocol: "UDP", address: GATEWAY, portValue: 9443 } } } },
                ],
              },
            ],
          },
          typedExtensionProtocolOptions: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any(
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              { explicitHttpConfig: { http3ProtocolOptions: {} } },
            ),
          },
          transportSocket: {
            name: "envoy.transport_sockets.quic",
            typedConfig: any("envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport", {
              upstreamTlsContext: {
                sni: "shop.example",
                commonTlsContext: { validationContext: { trustedCa: { inlineString: roots } } },
              },
            }),
          },
        },
      ],
    },
  });
}

it("a gateway whose service has the UDP port answers HTTP/3 beside HTTPS, and says so", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "http3-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const web = stack.use(await outsideAuthority());
  const backend = createServer((call, response) => response.end(`${call.headers[":protocol"] ?? ""}${call.url}`));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void backend.close());
  const store = textStore({
    "mesh.yaml": mesh((backend.address() as AddressInfo).port),
    "shop-tls.yaml": tlsSecret("shop-tls", "shop", await web.issue("shop.example")),
  });
  const authority = await initAuthority(join(home, "pki"), { trustDomain: "cluster.local" });
  stack.defer(() => authority.close());
  const plane = stack.use(
    await createControlPlane({
      config: store,
      registries: [manifestsRegistry(store.documents)],
      authority,
      credentials: manifestCredentials(store.documents),
    }),
  );
  const nacks: string[] = [];
  plane.on("nack", ({ message }) => void nacks.push(message));
  const { ads } = await plane.listen({ ads: "127.0.61.11:15010" });
  const identity = workloadSpiffeId("cluster.local", "shop", "gateway");
  const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
  await agent.ready;
  const sdsPath = join(home, "sds.sock");
  await agent.listen(`unix:${sdsPath}`);
  const gateway = stack.use(
    await startEnvoy({
      node: {
        id: `router~${GATEWAY}~gateway-1.shop~shop.svc.cluster.local`,
        metadata: { NAMESPACE: "shop", SERVICE_ACCOUNT: "gateway", LABELS: { app: "gateway" } },
      },
      ads,
      adsServerNames: ["spiffe://cluster.local/ns/istio-system/sa/istiod"],
      sdsPath,
      admin: `${GATEWAY}:15000`,
    }),
  );
  await gateway.ready();
  await plane.converged();
  expect(nacks).toEqual([]);

  const overTcp = () =>
    new Promise<string>((resolve, reject) => {
      const options = {
        host: GATEWAY,
        port: 9443,
        servername: "shop.example",
        headers: { host: "shop.example" },
        agent: false as const,
        ca: web.roots,
      };
      request(options, (response) => {
        response.resume();
        resolve(String(response.headers["alt-svc"]));
      })
        .on("error", reject)
        .end();
    });
  await expect.poll(() => overTcp().catch(String), { timeout: 5000 }).toBe('h3=":443"; ma=86400');

  const client = stack.use(
    await startEnvoy({
      node: { id: "sidecar~127.0.61.13~client-1.shop~shop.svc.cluster.local" },
      admin: `${CLIENT}:15000`,
      patch: http3Client(web.roots),
    }),
  );
  await client.ready();
  const answer = await fetch(`http://${CLIENT}:9080/over/quic`);
  expect([answer.status, await answer.text()]).toEqual([200, "/over/quic"]);
  const { body } = await gateway.admin(
    "/stats?filter=http3.downstream.*requests|downstream_cx_http3_total|downstream_rq_http3_total",
  );
  expect(body).toMatch(/downstream_rq_http3_total: 1/);
});
