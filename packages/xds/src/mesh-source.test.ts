import { Mesh } from "@fairlead/mesh";
import { anEndpoint, anObject, aService } from "@fairlead/mesh/testing";
import type { NodeJson } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { createMeshSource } from "./mesh-source.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "./resource-type.ts";
import type { Peer } from "./server/peer.ts";

const reviews = aService("reviews.default.svc.cluster.local", { addresses: ["10.96.0.1"] });
const ratings = aService("ratings.default.svc.cluster.local", { addresses: ["10.96.0.2"] });
const endpoints = (service: typeof reviews, ...addresses: string[]) => ({
  hostname: service.hostname,
  namespace: service.namespace,
  endpoints: addresses.map((address) =>
    anEndpoint(address, { locality: { region: "r", zone: address.slice(-1), subzone: "" } }),
  ),
});
const given = endpoints(reviews, "10.0.0.1", "10.0.0.2");
const mesh = Mesh.of({ meshConfig: {}, services: [reviews, ratings], endpoints: [["reviews", given]] });

const peer: Peer = { address: "unix", transport: "unix", certificate: undefined, identities: [], metadata: () => [] };
const nodeOf = (name: string, ip: string, more: Partial<NodeJson> = {}): NodeJson => ({
  id: `sidecar~${ip}~${name}~${name.split(".")[1]}.svc.cluster.local`,
  ...more,
});
const open = (source: ReturnType<typeof createMeshSource>, node: NodeJson, changed = () => {}) =>
  source.open(node, peer, changed);
const TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE];

describe("createMeshSource", () => {
  it("gives replicas the same objects, translated once", () => {
    const source = createMeshSource(mesh);
    const one = open(source, nodeOf("a-1.default", "10.9.0.1"));
    const first = TYPES.map((type) => one.get(type));
    const { computations } = source.statistics;
    const two = open(source, nodeOf("a-2.default", "10.9.0.2"));
    for (const [index, type] of TYPES.entries()) expect(two.get(type)).toBe(first[index]);
    // What they serve is looked up by address; nothing else is computed again.
    expect(source.statistics.computations - computations).toBeLessThanOrEqual(3);
  });

  it("shares clusters between namespaces that no rule tells apart, and bytes where results are equal", () => {
    const source = createMeshSource(mesh);
    const one = open(source, nodeOf("a.default", "10.9.0.1"))
      .get(CLUSTER_TYPE)
      ?.resources.get("outbound|9080||reviews.default.svc.cluster.local");
    const two = open(source, nodeOf("b.other", "10.9.0.2"))
      .get(CLUSTER_TYPE)
      ?.resources.get("outbound|9080||reviews.default.svc.cluster.local");
    expect(one?.bytes).toBeDefined();
    expect(two?.bytes).toBe(one?.bytes);
  });

  it("after a change makes again only what read it", () => {
    const source = createMeshSource(mesh);
    let woken = 0;
    const node = open(source, nodeOf("a.default", "10.9.0.1"), () => woken++);
    const before = new Map(TYPES.map((type) => [type, node.get(type)]));
    const next = endpoints(reviews, "10.0.0.1", "10.0.0.3");
    source.update(mesh.apply({ endpoints: [{ key: "reviews", value: next, previous: given }] }));
    expect(woken).toBe(1);
    for (const type of [CLUSTER_TYPE, LISTENER_TYPE, ROUTE_TYPE]) expect(node.get(type)).toBe(before.get(type));
    const now = node.get(ENDPOINT_TYPE)?.resources;
    const name = "outbound|9080||reviews.default.svc.cluster.local";
    expect(now?.get(name)?.version).not.toBe(before.get(ENDPOINT_TYPE)?.resources.get(name)?.version);
    const other = "outbound|9080||ratings.default.svc.cluster.local";
    expect(now?.get(other)).toBe(before.get(ENDPOINT_TYPE)?.resources.get(other));
  });

  it("names the objects that a resource was made from", () => {
    const rule = anObject("DestinationRule", "reviews", {
      host: reviews.hostname,
      trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
    });
    const source = createMeshSource(mesh.apply({ config: [{ key: "r", value: rule, previous: undefined }] }));
    const cluster = open(source, nodeOf("a.default", "10.9.0.1"))
      .get(CLUSTER_TYPE)
      ?.resources.get("outbound|9080||reviews.default.svc.cluster.local");
    expect(cluster?.sources.map(({ kind }) => kind).sort()).toEqual(["DestinationRule", "Service"]);
  });

  it("names another object that the same resource is made from since", () => {
    const localities = { localityLbSetting: { distribute: [{ from: "*", to: { "r/1": 30, "r/2": 70 } }] } };
    const rule = (name: string) =>
      anObject("DestinationRule", name, { host: reviews.hostname, trafficPolicy: { loadBalancer: localities } });
    const of = (name: string) => mesh.apply({ config: [{ key: name, value: rule(name), previous: undefined }] });
    const source = createMeshSource(of("old"));
    const seen = () =>
      open(source, nodeOf("a.default", "10.9.0.1"))
        .get(ENDPOINT_TYPE)
        ?.resources.get("outbound|9080||reviews.default.svc.cluster.local");
    const before = seen();
    source.update(of("new"));
    const after = seen();
    expect(after?.version).toBe(before?.version);
    expect(after?.bytes).toBe(before?.bytes);
    const rules = [before, after].map((one) => one?.sources.find(({ kind }) => kind === "DestinationRule")?.name);
    expect(rules).toEqual(["old", "new"]);
  });

  it("keeps the last good resources when new ones cannot be made, and says so", () => {
    const source = createMeshSource(mesh);
    const node = open(source, nodeOf("a.default", "10.9.0.1"));
    const name = "outbound|9080||reviews.default.svc.cluster.local";
    const before = node.get(CLUSTER_TYPE)?.resources.get(name);
    // A port list that throws when it is read stands for any fault of ours.
    const broken = Object.defineProperty({ ...reviews }, "ports", {
      get: () => {
        throw new Error("broken");
      },
    }) as typeof reviews;
    source.update(mesh.apply({ services: [{ key: "s", value: broken, previous: reviews }] }));
    expect(node.get(CLUSTER_TYPE)?.resources.get(name)).toEqual(before);
    expect(
      source.diagnostics().some(({ code, message }) => code === "translation-failed" && message.includes("broken")),
    ).toBe(true);
  });

  it("lets go of what no stream needs", () => {
    const source = createMeshSource(mesh);
    const node = open(source, nodeOf("a.default", "10.9.0.1"));
    for (const type of TYPES) node.get(type);
    expect(source.statistics.values).toBeGreaterThan(5);
    node.close();
    expect(source.statistics.values).toBe(0);
    expect([...source.nodes()]).toEqual([]);
  });

  it("refuses a node that it cannot read", () => {
    expect(() => open(createMeshSource(mesh), { id: "x" })).toThrow("is not of the form TYPE~IP~NAME.NAMESPACE~DOMAIN");
  });
});
