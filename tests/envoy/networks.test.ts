import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bound } from "../../examples/demo/measure.ts";
import { ask, startEcho, tally } from "../support/echo.ts";
import { object, type Proxied, startProxied } from "../support/proxied.ts";

/** A mesh of two networks: what is in the other one is reached through its gateway, mutual TLS from end to end. */

const NET = "127.0.75";
const CLIENT = `${NET}.2`;
const EAST_WEST = `${NET}.3`;
const NEAR = `${NET}.4`;
const FAR = [`${NET}.5`, `${NET}.6`] as const;
const REQUESTS = 1000;
const PROXIES = {
  client: { address: CLIENT, metadata: { NETWORK: "one" } },
  gate: {
    address: EAST_WEST,
    type: "router",
    // It is asked for what is in its own network only.
    metadata: { NETWORK: "two", REQUESTED_NETWORK_VIEW: "two", ROUTER_MODE: "sni-dnat" },
  },
  near: { address: NEAR, metadata: { NETWORK: "one" } },
  first: { address: FAR[0], metadata: { NETWORK: "two" } },
  second: { address: FAR[1], metadata: { NETWORK: "two" } },
} as const;

const http = { number: 9080, name: "http", protocol: "HTTP" };
const labels = { "security.istio.io/tlsMode": "istio" };
const MESH = [
  object("ServiceEntry", "shop", {
    hosts: ["shop.test"],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [http],
    endpoints: [
      { address: NEAR, network: "one", labels, serviceAccount: "near" },
      { address: FAR[0], network: "two", labels, serviceAccount: "first" },
      { address: FAR[1], network: "two", labels, serviceAccount: "second" },
    ],
  }),
  object("Gateway", "east-west", {
    selector: { app: "gate" },
    servers: [
      {
        port: { number: 15443, name: "tls", protocol: "TLS" },
        bind: EAST_WEST,
        hosts: ["*.test"],
        tls: { mode: "AUTO_PASSTHROUGH" },
      },
    ],
  }),
  ...(["near", "first", "second"] as const).map((name) =>
    object("Sidecar", name, {
      workloadSelector: { labels: { app: name } },
      // Each program is behind the proxy of the same address.
      ingress: [{ port: http, bind: PROXIES[name].address, captureMode: "NONE", defaultEndpoint: "0.0.0.0:9081" }],
      egress: [{ hosts: ["~/*"] }],
    }),
  ),
  object("Sidecar", "client", {
    workloadSelector: { labels: { app: "client" } },
    egress: [{ port: http, bind: CLIENT, captureMode: "NONE", hosts: ["*/*"] }],
  }),
  object("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }),
  object("DestinationRule", "shop", { host: "shop.test", trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } } }),
].join("---\n");

describe("two networks", () => {
  const stack = new AsyncDisposableStack();
  let proxied: Proxied<keyof typeof PROXIES>;

  beforeAll(async () => {
    for (const [name, { address }] of Object.entries(PROXIES))
      if (name !== "client" && name !== "gate") stack.use(await startEcho(name, `${address}:9081`));
    const meshNetworks = {
      networks: {
        two: { gateways: [{ address: EAST_WEST, port: 15443 }], endpoints: [] },
        one: { gateways: [], endpoints: [] },
      },
    };
    proxied = stack.use(await startProxied({ net: NET, files: { "mesh.yaml": MESH }, proxies: PROXIES, meshNetworks }));
  });
  afterAll(() => stack.disposeAsync());

  it("share by their endpoints, and know who calls", { retry: 1 }, async () => {
    const counts = await tally(REQUESTS, async (agent) => {
      const { got, status } = await ask(`${CLIENT}:9080`, "shop.test", { agent });
      return got
        ? `${got.by} ${/URI=([^;]+)$/.exec(String(got.headers["x-forwarded-client-cert"]))?.[1]}`
        : String(status);
    });
    const caller = "spiffe://cluster.local/ns/default/sa/client";
    expect(Object.keys(counts).sort()).toEqual([`first ${caller}`, `near ${caller}`, `second ${caller}`]);
    const near = counts[`near ${caller}`] ?? 0;
    expect(Math.abs(near - REQUESTS / 3), JSON.stringify(counts)).toBeLessThanOrEqual(bound(REQUESTS, 1 / 3));
    const through = await proxied.statistics("gate", /^cluster\.outbound_\..*shop\.test;?\.upstream_cx_total$/);
    expect(Object.values(through).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
  });
});
