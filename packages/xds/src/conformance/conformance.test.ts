import { listenGrpc } from "@fairlead/grpc";
import { describe, expect, it } from "vitest";
import { encode } from "../proto/codec.ts";
import { CLUSTER_TYPE } from "../resource-type.ts";
import { createDiscoveryServer } from "../server/index.ts";
import { createSnapshotSource } from "../snapshot.ts";
import { checkDiscoveryServer, type Verdict } from "./index.ts";

const node = { id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" };
const cluster = (name: string) => ({
  name,
  type: "EDS" as const,
  edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: "V3" as const } },
});

const told = (verdicts: readonly Verdict[]) =>
  verdicts.filter(({ outcome }) => outcome !== "holds").map(({ check, mode, detail }) => `${mode} ${check}: ${detail}`);

it("the server of this package holds in every check", async () => {
  const source = createSnapshotSource();
  source.set("default", {
    clusters: ["a", "b"].map(cluster),
    endpoints: ["a", "b"].map((clusterName) => ({ clusterName })),
    listeners: [
      {
        name: "http",
        address: { socketAddress: { address: "127.0.0.1", portValue: 80 } },
        filterChains: [
          {
            filters: [
              {
                name: "http",
                typedConfig: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                  statPrefix: "http",
                  rds: { routeConfigName: "routes", configSource: { ads: {} } },
                },
              },
            ],
          },
        ],
      },
    ],
    routes: [{ name: "routes" }],
  });
  await using server = createDiscoveryServer(source);
  const { address } = await server.listen({ address: "127.0.0.1:0" });
  const verdicts = await checkDiscoveryServer({ address, node });
  expect(told(verdicts)).toEqual([]);
  expect(verdicts.filter(({ mode }) => mode === "sotw").length).toBeGreaterThan(7);
  expect(verdicts.filter(({ mode }) => mode === "delta").length).toBeGreaterThan(9);
});

describe("a server that answers everything with all clusters and the same nonce", () => {
  it("is found out", async () => {
    const response = Buffer.from(
      encode("envoy.service.discovery.v3.DiscoveryResponse", {
        versionInfo: "1",
        typeUrl: CLUSTER_TYPE,
        nonce: "1",
        resources: [{ "@type": CLUSTER_TYPE, ...cluster("a") }],
      }),
    );
    const server = await listenGrpc({
      address: "127.0.0.1:0",
      methods: [
        {
          kind: "stream",
          path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
          open: (stream) => ({ message: () => stream.write(response), closed: () => undefined }),
        },
      ],
    });
    const verdicts = await checkDiscoveryServer({
      address: server.address,
      node,
      modes: ["sotw"],
      patience: 200,
      silence: 100,
    });
    await server.close();
    expect(verdicts.map(({ check, outcome, detail }) => [check, outcome, detail])).toEqual([
      ["wildcard", "holds", ""],
      ["explicit-wildcard", "holds", ""],
      ["acknowledgement", "violated", "an ACK is answered, though nothing is new"],
      ["rejection", "violated", "what was refused is sent again, the same"],
      ["stale-nonce", "violated", "a request whose nonce is of no response is answered"],
      ["by-name", "not-applicable", "it has fewer than 2 clusters with endpoints by EDS"],
      ["one-request-each", "violated", "endpoints beside clusters is not answered"],
      ["listeners-before-routes", "violated", expect.stringContaining("is not answered")],
      ["no-type", "violated", "a request without a type is not refused"],
    ]);
  });
});
