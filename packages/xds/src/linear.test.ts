import { describe, expect, it } from "vitest";
import { createDiscoveryClient } from "./client/index.ts";
import { createLinearSource } from "./linear.ts";
import { createMuxSource } from "./mux.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, ROUTE_TYPE } from "./resource-type.ts";
import { createDiscoveryServer, type ResourceSource } from "./server/index.ts";
import { createSnapshotSource } from "./snapshot.ts";

const peer = { address: "", transport: "unix", certificate: undefined, identities: [], metadata: () => [] } as const;

describe("createLinearSource", () => {
  it("takes resources one by one, and wakes streams for what is new only", () => {
    const source = createLinearSource(CLUSTER_TYPE);
    let changes = 0;
    const stream = source.open({}, peer, () => changes++);
    source.set("a", { name: "a" });
    const before = stream.get(CLUSTER_TYPE);
    source.set("a", { name: "a" });
    expect([changes, stream.get(CLUSTER_TYPE) === before]).toEqual([1, true]);
    source.update({ a: undefined, b: { name: "b" }, c: { name: "c" } });
    expect([changes, [...source.names()]]).toEqual([2, ["b", "c"]]);
    // What was seen stays as it was.
    expect([...(before?.resources.keys() ?? [])]).toEqual(["a"]);
    expect([source.delete("b"), source.delete("b"), changes]).toEqual([true, false, 3]);
    expect(stream.get(ENDPOINT_TYPE)).toBeUndefined();
    stream.close();
    source.set("d", { name: "d" });
    expect(changes).toBe(3);
  });

  it("changes nothing when one of several is not valid", () => {
    const source = createLinearSource(CLUSTER_TYPE);
    expect(() => source.update({ a: { name: "a" }, b: { name: "b", lbPolicy: "NO" } })).toThrow(/unknown-enum-value/);
    expect(() => source.set("a", { name: "b" })).toThrow(/is not the name/);
    expect([...source.names()]).toEqual([]);
  });
});

describe("createMuxSource", () => {
  const refusing: ResourceSource = {
    open() {
      throw new Error("not this one");
    },
  };

  it("asks the source of a type, and one for the others", () => {
    const endpoints = createLinearSource(ENDPOINT_TYPE);
    const rest = createSnapshotSource();
    let changes = 0;
    const stream = createMuxSource({ [ENDPOINT_TYPE]: endpoints }, rest).open({}, peer, () => changes++);
    endpoints.set("e", { clusterName: "e" });
    rest.set("default", { clusters: [{ name: "c" }], endpoints: [{ clusterName: "hidden" }] });
    expect(changes).toBe(2);
    const seen = (typeUrl: string) => [...(stream.get(typeUrl)?.resources.keys() ?? [])];
    expect([seen(ENDPOINT_TYPE), seen(CLUSTER_TYPE), stream.get(ROUTE_TYPE)]).toEqual([["e"], ["c"], undefined]);
    stream.close();
    endpoints.set("f", { clusterName: "f" });
    expect(changes).toBe(2);
  });

  it("leaves nothing open of a node that one source refuses", () => {
    let open = 0;
    const counting: ResourceSource = {
      open: () => {
        open++;
        return { get: () => undefined, close: () => void open-- };
      },
    };
    const mux = createMuxSource({ [CLUSTER_TYPE]: counting, [ENDPOINT_TYPE]: refusing });
    expect(() => mux.open({}, peer, () => {})).toThrow("not this one");
    expect(open).toBe(0);
  });
});

it.each(["delta", "sotw"] as const)("clients follow both over %s", async (mode) => {
  const clusters = createLinearSource(CLUSTER_TYPE);
  const endpoints = createLinearSource(ENDPOINT_TYPE);
  clusters.set("a", { name: "a" });
  await using server = createDiscoveryServer(createMuxSource({ [CLUSTER_TYPE]: clusters, [ENDPOINT_TYPE]: endpoints }));
  const { address } = await server.listen({ address: "127.0.0.1:0" });
  const seen: string[] = [];
  using client = createDiscoveryClient({
    address,
    node: { id: "n" },
    mode,
    subscriptions: { [CLUSTER_TYPE]: ["*"], [ENDPOINT_TYPE]: ["x"] },
    onResources({ resources }) {
      for (const { name, version } of resources) seen.push(`${name} ${version}`);
      return undefined;
    },
  });
  const names = () => new Set(seen.map((one) => one.split(" ")[0]));
  await expect.poll(names).toEqual(new Set(["a", "x"]));
  const before = seen.length;
  endpoints.set("x", { clusterName: "x", policy: { overprovisioningFactor: 100 } });
  await expect.poll(() => seen.length).toBe(before + 1);
  expect(seen.at(-1)).toMatch(/^x /);
  expect(client.connected).toBe(true);
});
