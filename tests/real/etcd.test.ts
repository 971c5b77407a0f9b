import { type ConfigObject, destinationRule } from "@fairlead/config";
import { type EtcdStore, etcdStore } from "@fairlead/config/etcd";
import { storeContract } from "@fairlead/config/testing";
import { Etcd3 } from "etcd3";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { holds, steps } from "../../packages/config/test/store-model.ts";
import { type EtcdServer, hasEtcd, startEtcd } from "../support/etcd.ts";

const here = await hasEtcd("the etcd store");

describe.skipIf(!here)("the etcd store on a real etcd", () => {
  let server: EtcdServer;
  let client: Etcd3;
  let prefixes = 0;
  const newPrefix = () => `/test-${++prefixes}/`;
  const open = async (prefix: string): Promise<EtcdStore> => {
    const store = etcdStore({ client, prefix, now: () => Date.UTC(2026, 0, 1) });
    await store.ready;
    return store;
  };
  const rule = (name: string, host: string) => destinationRule({ name, namespace: "shop" }, { host });
  const ref = (name: string) => ({ kind: "DestinationRule", namespace: "shop", name });
  const hostOf = (object: ConfigObject | undefined) => (object?.spec as { host?: string } | undefined)?.host;
  const host = (store: EtcdStore, name: string) => hostOf(store.get(`DestinationRule/shop/${name}`));

  beforeAll(async () => {
    server = await startEtcd();
    client = new Etcd3({ hosts: server.url });
  });
  afterAll(async () => {
    client?.close();
    await server?.close();
  });

  storeContract({ describe, it }, "etcdStore", async () => {
    const prefix = newPrefix();
    const [store, peer] = [await open(prefix), await open(prefix)];
    return {
      store,
      peer,
      stop: async () => {
        await Promise.all([store.close(), peer.close()]);
      },
    };
  });

  it("is as the model, whatever is written", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await using store = await open(newPrefix());
        await holds(store, list);
      }),
      { numRuns: 40 },
    );
  });

  it("holds what was written before it was opened, thousands of objects, in pages", async () => {
    const prefix = newPrefix();
    const writer = await open(prefix);
    for (let start = 0; start < 1200; start += 100)
      await writer.transact(Array.from({ length: 100 }, (_, i) => ({ put: rule(`r${start + i}`, "a.com") })));
    await using reader = await open(prefix);
    expect([...reader.keys()]).toHaveLength(1200);
    expect(reader.stored(ref("r7"))?.object.metadata).toMatchObject({
      creationTimestamp: "2026-01-01T00:00:00.000Z",
      generation: 1,
    });
    await writer.close();
    await expect(writer.transact([]).then(() => reader.transact(bulk(200)))).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
    expect(host(reader, "bulk-1")).toBeUndefined();
  });
  const bulk = (count: number) => Array.from({ length: count }, (_, i) => ({ put: rule(`bulk-${i}`, "a.com") }));

  it("leaves the last good version in force where another program writes nonsense", async () => {
    const prefix = newPrefix();
    await using store = await open(prefix);
    await store.transact([{ put: rule("a", "a.com") }]);
    const key = `${prefix}objects/DestinationRule/shop/a`;
    for (const [text, found] of [
      ["{", /DestinationRule\/shop\/a/],
      [JSON.stringify({ ...rule("a", "not a host") }), /host/],
      [JSON.stringify({ ...rule("b", "b.com") }), /holds DestinationRule\/shop\/b/],
    ] as const) {
      await client.put(key).value(text);
      await vi.waitFor(() =>
        expect(
          store
            .diagnostics()
            .map(({ message }) => message)
            .join(),
        ).toMatch(found),
      );
      expect(host(store, "a")).toBe("a.com");
    }
    await store.transact([{ put: rule("a", "mended.com") }]);
    expect([host(store, "a"), store.diagnostics()]).toEqual(["mended.com", []]);
  });

  it("goes on after etcd was killed and started again, and says meanwhile that it cannot be read", async () => {
    const prefix = newPrefix();
    await using store = await open(prefix);
    await store.transact([{ put: rule("a", "a.com") }]);
    const batches: number[] = [];
    store.subscribe((changes) => batches.push(changes.length));
    const restarted = server.restart();
    await vi.waitFor(() => expect(store.diagnostics()).toMatchObject([{ code: "etcd-unavailable" }]), 10_000);
    expect(host(store, "a")).toBe("a.com");
    await restarted;
    const other = new Etcd3({ hosts: server.url });
    await other.put(`${prefix}objects/DestinationRule/shop/a`).value(JSON.stringify(rule("a", "b.com")));
    other.close();
    await vi.waitFor(() => expect(host(store, "a")).toBe("b.com"), 15_000);
    expect(batches).toEqual([1]);
    await vi.waitFor(() => expect(store.diagnostics()).toEqual([]), 10_000);
  });

  it("reads all again when what it missed was compacted away, and tells only what differs", async () => {
    const prefix = newPrefix();
    await using store = await open(prefix);
    await store.transact([{ put: rule("a", "a.com") }, { put: rule("b", "b.com") }, { put: rule("c", "c.com") }]);
    const seen: string[] = [];
    store.subscribe((changes) => seen.push(...changes.map(({ key, value }) => `${key}=${hostOf(value)}`)));
    const restarted = server.restart();
    await restarted;
    // Before the watch is back: change, remove, and forget how it was.
    const other = new Etcd3({ hosts: server.url });
    await other.put(`${prefix}objects/DestinationRule/shop/a`).value(JSON.stringify(rule("a", "a2.com")));
    await other.delete().key(`${prefix}objects/DestinationRule/shop/b`);
    const { header } = await other
      .put(`${prefix}objects/DestinationRule/shop/d`)
      .value(JSON.stringify(rule("d", "d.com")));
    await other.kv.compact({ revision: header.revision, physical: true });
    other.close();
    await vi.waitFor(
      () => expect([host(store, "a"), host(store, "b"), host(store, "d")]).toEqual(["a2.com", undefined, "d.com"]),
      20_000,
    );
    expect(seen.sort()).toEqual([
      "DestinationRule/shop/a=a2.com",
      "DestinationRule/shop/b=undefined",
      "DestinationRule/shop/d=d.com",
    ]);
  });
});
