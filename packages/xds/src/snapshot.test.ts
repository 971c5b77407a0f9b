import { describe, expect, it } from "vitest";
import { CLUSTER_TYPE, ROUTE_TYPE } from "./resource-type.ts";
import { createSnapshotSource, type Snapshot, verify } from "./snapshot.ts";

const peer = { address: "", transport: "unix", certificate: undefined, identities: [], metadata: () => [] } as const;

describe("createSnapshotSource", () => {
  it("serves groups, and keeps what stays equal", () => {
    const source = createSnapshotSource({ group: ({ cluster }) => cluster ?? "none" });
    let changes = 0;
    const open = source.open({ cluster: "one" }, peer, () => changes++);
    expect(open.get(CLUSTER_TYPE)).toBeUndefined();
    source.set("one", { clusters: [{ name: "a" }], routes: [{ name: "r" }] });
    source.set("two", { clusters: [{ name: "b" }] });
    expect(changes).toBe(1);
    const before = open.get(CLUSTER_TYPE);
    expect([...(before?.resources.keys() ?? [])]).toEqual(["a"]);
    source.set("one", { clusters: [{ name: "a" }], routes: [{ name: "r2" }] });
    expect(open.get(CLUSTER_TYPE)).toBe(before);
    expect(open.get(ROUTE_TYPE)?.resources.has("r2")).toBe(true);
    source.delete("one");
    expect([changes, open.get(CLUSTER_TYPE)]).toEqual([3, undefined]);
    open.close();
    source.set("one", {});
    expect(changes).toBe(3);
  });

  it("says which resource is not valid", () => {
    const source = createSnapshotSource();
    expect(() => source.set("default", { clusters: [{ name: "a", lbPolicy: "NO" } as never] })).toThrow(
      /unknown-enum-value.*lbPolicy/,
    );
  });
});

describe("verify", () => {
  const hcm = (rds: object) => ({
    name: "l",
    filterChains: [
      {
        filters: [
          {
            name: "hcm",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              rds,
              httpFilters: [{ name: "wasm", configDiscovery: { typeUrls: ["x"] } }],
            },
          },
        ],
      },
    ],
  });

  it("finds what leads nowhere", () => {
    const snapshot: Snapshot = {
      clusters: [
        { name: "a", type: "EDS", edsClusterConfig: { serviceName: "svc" } },
        { name: "b", type: "STATIC" },
      ],
      endpoints: [{ clusterName: "other" }],
      listeners: [hcm({ routeConfigName: "missing" })],
      routes: [
        {
          name: "r",
          virtualHosts: [
            {
              name: "v",
              domains: ["*"],
              routes: [
                { match: { prefix: "/a" }, route: { cluster: "b", requestMirrorPolicies: [{ cluster: "nope" }] } },
                {
                  match: { prefix: "/" },
                  route: { weightedClusters: { clusters: [{ name: "a" }, { name: "gone" }] } },
                },
              ],
            },
          ],
        },
      ],
    };
    expect(
      verify(snapshot).map(({ from, path, to }) => `${from.type} ${from.name} ${path} -> ${to.type} ${to.name}`),
    ).toEqual([
      "CDS a edsClusterConfig -> EDS svc",
      "LDS l filterChains[0].filters[0].typedConfig.rds.routeConfigName -> RDS missing",
      "LDS l filterChains[0].filters[0].typedConfig.httpFilters[0].configDiscovery -> ECDS wasm",
      "RDS r virtualHosts[0].routes[0].route.requestMirrorPolicies[0].cluster -> CDS nope",
      "RDS r virtualHosts[0].routes[1].route.weightedClusters.clusters[1].name -> CDS gone",
    ]);
  });

  it("is content with a whole snapshot, and does not look into metadata", () => {
    const snapshot: Snapshot = {
      clusters: [{ name: "a", metadata: { filterMetadata: { x: { cluster: "not a reference" } } } }],
      listeners: [
        {
          name: "l",
          filterChains: [
            {
              filters: [
                {
                  name: "tcp",
                  typedConfig: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    statPrefix: "x",
                    cluster: "a",
                  },
                },
              ],
            },
          ],
        },
      ],
    };
    expect(verify(snapshot)).toEqual([]);
  });
});
