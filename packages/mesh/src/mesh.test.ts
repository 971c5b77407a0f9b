import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mesh } from "./mesh.ts";
import { ShardedMap } from "./sharded-map.ts";
import { anEndpoint, anObject, aService, aWorkload } from "./testing.ts";

const reviews = aService("reviews.default.svc.cluster.local");

describe("Mesh", () => {
  it("shares what did not change and tells which buckets did", () => {
    const before = Mesh.of({
      meshConfig: {},
      services: [reviews, aService("ratings.other.svc.cluster.local", { namespace: "other" })],
    });
    const next = { ...reviews, labels: { app: "reviews" } };
    const after = before.apply({ services: [{ key: "k", value: next, previous: reviews }] });
    expect(after.bucket("services", "other")).toBe(before.bucket("services", "other"));
    expect([...after.changedBuckets(before)].map((id) => id.replace("\u0000", " ")).sort()).toEqual([
      "host reviews.default.svc.cluster.local",
      "services default",
    ]);
    expect(before.bucket("services", "default")).toEqual([reviews]);
  });

  it("is the same mesh when nothing changes", () => {
    const mesh = Mesh.of({ meshConfig: {}, services: [reviews] });
    expect(mesh.apply({ services: [{ key: "k", value: reviews, previous: reviews }] })).toBe(mesh);
  });

  it("orders objects of a kind by age, then name", () => {
    const route = (name: string, creationTimestamp: string) =>
      anObject("VirtualService", name, { hosts: ["a"] }, { creationTimestamp });
    const mesh = Mesh.of({
      meshConfig: {},
      config: [
        route("b", "2024-02-01T00:00:00Z"),
        route("z", "2024-01-01T00:00:00Z"),
        route("a", "2024-02-01T00:00:00Z"),
      ],
    });
    expect(mesh.bucket("config", "VirtualService/default")?.map((object) => object.metadata.name)).toEqual([
      "z",
      "a",
      "b",
    ]);
    expect(mesh.bucket("configNamespaces", "VirtualService")).toEqual(["default"]);
  });

  it("joins the endpoints that several sources give for one service, and finds services by address", () => {
    const given = (...addresses: string[]) => ({
      hostname: reviews.hostname,
      namespace: "default",
      endpoints: addresses.map((address) => anEndpoint(address)),
    });
    const one = given("10.0.0.1");
    const mesh = Mesh.of({
      meshConfig: {},
      services: [reviews],
      endpoints: [
        ["s#b", given("10.0.0.2")],
        ["s#a", one],
      ],
    });
    const key = "default/reviews.default.svc.cluster.local";
    expect(mesh.bucket("endpoints", key)?.map((endpoint) => endpoint.addresses[0])).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(mesh.bucket("address", "10.0.0.2")).toEqual([key]);
    const after = mesh.apply({ endpoints: [{ key: "s#a", value: undefined, previous: one }] });
    expect(after.bucket("endpoints", key)?.map((endpoint) => endpoint.addresses[0])).toEqual(["10.0.0.2"]);
    expect(after.bucket("address", "10.0.0.1")).toBeUndefined();
  });

  it("forgets what was removed, to the last index", () => {
    const workload = aWorkload("w", { addresses: ["10.0.0.7"] });
    const empty = Mesh.of({ meshConfig: {} });
    const full = empty.apply({
      services: [{ key: "k", value: reviews, previous: undefined }],
      workloads: [{ key: "w", value: workload, previous: undefined }],
    });
    const again = full.apply({
      services: [{ key: "k", value: undefined, previous: reviews }],
      workloads: [{ key: "w", value: undefined, previous: workload }],
    });
    expect([...again.changedBuckets(empty)]).toEqual([]);
  });
});

describe("ShardedMap", () => {
  it("agrees with a Map under any edits", () => {
    const edits = fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.option(fc.nat(3), { nil: undefined })));
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 5 }), (batches) => {
        let sharded = ShardedMap.empty<number>();
        const plain = new Map<string, number>();
        for (const batch of batches) {
          const before = new Map(plain);
          const next = sharded.with(batch);
          for (const [key, value] of batch) value === undefined ? plain.delete(key) : plain.set(key, value);
          const changed = [...next.changedKeys(sharded)].sort();
          const expected = [...new Set([...before.keys(), ...plain.keys()])]
            .filter((key) => before.get(key) !== plain.get(key))
            .sort();
          expect(changed).toEqual(expected);
          sharded = next;
          expect(new Map(sharded.entries())).toEqual(plain);
        }
      }),
    );
  });
});
