import {
  createDiscoveryServer,
  createSnapshotSource,
  type DiscoveryServer,
  type Snapshot,
  verify,
} from "@fairlead/xds";
import { register } from "@grpc/grpc-js-xds";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askBackend, startBackend } from "../support/grpc-backend.ts";

/** gRPC's own xDS client: written by others, so that what we serve is not only right for our client and Envoy. */

const NODE = { id: "grpc-client", cluster: "tests", locality: { region: "here" }, metadata: { TEAM: "a" } };
const ADS = { ads: {}, resourceApiVersion: "V3" } as const;

interface Shop {
  /** Weights of the two clusters. */
  readonly weights: readonly [number, number];
  /** Ports of the endpoints of each cluster. */
  readonly ports: readonly [readonly number[], readonly number[]];
  readonly policy?: "ROUND_ROBIN" | "RANDOM";
}

function snapshotOf({ weights, ports, policy = "ROUND_ROBIN" }: Shop): Snapshot {
  const names = ["first", "second"] as const;
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    statPrefix: "shop",
    rds: { configSource: ADS, routeConfigName: "shop-routes" },
    httpFilters: [
      {
        name: "router",
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  const split = names.map((name, index) => ({ name, weight: weights[index] ?? 0 }));
  return {
    listeners: [{ name: "shop.example:9000", apiListener: { apiListener: manager } }],
    routes: [
      {
        name: "shop-routes",
        virtualHosts: [
          {
            name: "shop",
            domains: ["shop.example:9000"],
            routes: [
              {
                match: { prefix: "", headers: [{ name: "tester", stringMatch: { exact: "yes" } }] },
                route: { cluster: "second" },
              },
              { match: { prefix: "" }, route: { weightedClusters: { clusters: split } } },
            ],
          },
        ],
      },
    ],
    clusters: names.map((name) => ({
      name,
      type: "EDS",
      edsClusterConfig: { edsConfig: ADS, serviceName: `${name}-endpoints` },
      lbPolicy: name === "first" ? policy : "ROUND_ROBIN",
    })),
    endpoints: names.map((name, index) => ({
      clusterName: `${name}-endpoints`,
      endpoints: [
        {
          locality: { region: "here" },
          loadBalancingWeight: 1,
          lbEndpoints: (ports[index] ?? []).map((port) => ({
            endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: port } } },
          })),
        },
      ],
    })),
  };
}

describe("gRPC's own xDS client", () => {
  const source = createSnapshotSource({ group: (node) => `${node.cluster}` });
  const set = (shop: Shop) => {
    const snapshot = snapshotOf(shop);
    expect(verify(snapshot)).toEqual([]);
    source.set("tests", snapshot);
  };
  const acked = new Set<string>();
  const nacks: { message: string; names: readonly string[] }[] = [];
  let stack: AsyncDisposableStack;
  let server: DiscoveryServer;
  let ports: readonly [number, number];
  let ask: ReturnType<typeof askBackend>;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    server = stack.use(createDiscoveryServer(source));
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    server.on("ack", ({ type, resources }) => {
      for (const { name } of resources) acked.add(`${type.shortName} ${name}`);
    });
    server.on(
      "nack",
      ({ message, resources }) => void nacks.push({ message, names: resources.map(({ name }) => name) }),
    );
    const [a, b] = [stack.use(await startBackend("a")), stack.use(await startBackend("b"))];
    ports = [a.port, b.port];
    // Read by the client when the first channel is opened, once for the process.
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
      xds_servers: [{ server_uri: address, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
      node: NODE,
    });
    register();
    set({ weights: [100, 0], ports: [[a.port], [b.port]] });
    ask = stack.use(askBackend("xds:///shop.example:9000"));
  });
  afterAll(() => stack.disposeAsync());

  const answers = async (count: number) => {
    const found: Record<string, number> = {};
    for (let index = 0; index < count; index++) {
      const name = await ask.who();
      found[name] = (found[name] ?? 0) + 1;
    }
    return found;
  };
  const until = async (holds: (found: Record<string, number>) => boolean) => {
    const end = Date.now() + 10_000;
    let found = await answers(20);
    while (!holds(found) && Date.now() < end) found = await answers(20);
    return found;
  };

  it("is routed as the snapshot says, and accepts every type", async () => {
    expect(await answers(20)).toEqual({ a: 20 });
    expect(await ask.who({ tester: "yes" })).toBe("b");
    expect([...acked].sort()).toEqual([
      "CDS first",
      "CDS second",
      "EDS first-endpoints",
      "EDS second-endpoints",
      "LDS shop.example:9000",
      "RDS shop-routes",
    ]);
    const [client, ...others] = server.clients();
    expect(others).toEqual([]);
    expect(client).toMatchObject({
      mode: "sotw",
      node: { id: "grpc-client", cluster: "tests", locality: NODE.locality },
    });
    expect(client?.types.every(({ synced }) => synced)).toBe(true);
    expect(nacks).toEqual([]);
  });

  it("follows a change of weights", { retry: 1 }, async () => {
    set({ weights: [50, 50], ports: [[ports[0]], [ports[1]]] });
    await until(({ b = 0 }) => b > 0);
    const { a = 0, b = 0 } = await answers(400);
    // 400 draws at 50 %: 200 ± 3.29 standard deviations of 10 are 99.9 %.
    expect(a + b).toBe(400);
    expect(Math.abs(a - 200)).toBeLessThanOrEqual(33);
    set({ weights: [0, 100], ports: [[ports[0]], [ports[1]]] });
    expect(await until(({ a: left = 0 }) => left === 0)).toEqual({ b: 20 });
  });

  it("follows a change of endpoints, and is sent nothing but those", async () => {
    const sent: string[] = [];
    const end = server.on("push", ({ type, resources }) => {
      sent.push(...resources.map(({ name }) => `${type.shortName} ${name}`));
    });
    set({ weights: [0, 100], ports: [[ports[0]], [ports[0]]] });
    expect(await until(({ b = 0 }) => b === 0)).toEqual({ a: 20 });
    end();
    expect([...new Set(sent)]).toEqual(["EDS second-endpoints"]);
  });

  it("rejects what it cannot do; that is told by name, and the rest goes on", async () => {
    set({ weights: [100, 0], ports: [[ports[1]], [ports[0]]], policy: "RANDOM" });
    const end = Date.now() + 10_000;
    while (nacks.length === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(nacks[0]?.message).toContain("unsupported lb_policy: RANDOM");
    expect(nacks[0]?.names).toEqual(["first"]);
    expect(await until(({ a = 0 }) => a === 0)).toEqual({ b: 20 });
    set({ weights: [0, 100], ports: [[ports[1]], [ports[0]]] });
    expect(await until(({ b = 0 }) => b === 0)).toEqual({ a: 20 });
  });
});
