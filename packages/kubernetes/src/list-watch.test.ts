import type { Change } from "@fairlead/model";
import { afterEach, describe, expect, it } from "vitest";
import { kubernetesClient } from "./client.ts";
import { type ListWatchOptions, listWatch } from "./list-watch.ts";
import type { KubernetesObject } from "./object.ts";
import { RESOURCES } from "./resource-type.ts";
import { eventually } from "./testing/deadline.ts";
import { type FakeApiServerOptions, fakeApiServer } from "./testing/fake-api-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const fast = { backoff: { initial: 1, max: 20 } };

async function start(options: ListWatchOptions = {}, serverOptions: FakeApiServerOptions = {}) {
  const server = await fakeApiServer(serverOptions);
  const client = kubernetesClient({ server: server.url });
  open.push(server, client);
  const put = (name: string, value = "1", labels: Record<string, string> = {}, namespace = "shop") =>
    server.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data: { value } });
  const remove = (name: string) =>
    server.remove({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" } });
  const watch = async () => {
    const objects = listWatch(client, RESOURCES.configMaps, { ...fast, ...options });
    const changes: string[] = [];
    objects.subscribe((batch) => void changes.push(...batch.map(describeChange)));
    await objects.ready;
    await eventually("a watch", () => server.watches() === 1);
    return {
      objects,
      changes,
      names: () =>
        [...objects.keys()]
          .map((key) => key.split("/")[2])
          .sort()
          .join(),
    };
  };
  const lists = () => server.requests.filter((request) => !request.includes("watch=")).length;
  return { server, client, put, remove, watch, lists };
}

function describeChange({ key, value, previous }: Change<KubernetesObject>): string {
  return `${previous ? (value ? "changed" : "removed") : "added"} ${key.split("/")[2]}`;
}

describe("listWatch", () => {
  it("has what is there, then follows", async () => {
    const { put, remove, watch } = await start();
    put("a");
    const { changes, names, objects } = await watch();
    expect(changes).toEqual(["added a"]);
    put("b");
    await eventually("b", () => names() === "a,b");
    put("b", "2");
    remove("a");
    await eventually("the rest", () => names() === "b");
    expect(changes).toEqual(["added a", "added b", "changed b", "removed a"]);
    expect(objects.get("ConfigMap/shop/b")).toMatchObject({ kind: "ConfigMap", data: { value: "2" } });
  });

  it("keeps to namespace and selector; what leaves the selector goes", async () => {
    const { put, watch } = await start({ namespace: "shop", labelSelector: "app=web" });
    put("a", "1", { app: "web" });
    put("x");
    put("y", "1", { app: "web" }, "other");
    const { names } = await watch();
    expect(names()).toBe("a");
    put("x", "1", { app: "web" });
    await eventually("x", () => names() === "a,x");
    put("a", "1", { app: "no" });
    await eventually("a gone", () => names() === "x");
  });

  it("goes on from the last version when a watch ends or breaks, without listing again", async () => {
    const { server, put, watch, lists } = await start();
    put("a");
    const { changes, names } = await watch();
    for (const [index, stop] of [server.endWatches, server.breakWatches].entries()) {
      stop();
      put(`n${index}`);
      await eventually("the missed event", () => names().includes(`n${index}`));
      await eventually("a new watch", () => server.watches() === 1);
    }
    expect(changes).toEqual(["added a", "added n0", "added n1"]);
    expect(lists()).toBe(1);
  });

  it.each(["status", "event"] as const)(
    "lists again after 410 (as %s) and emits only what differs",
    async (expiredAs) => {
      const { server, put, remove, watch, lists } = await start({}, { expiredAs });
      put("same");
      put("changes");
      put("goes");
      const { changes, objects, names } = await watch();
      const before = objects.get("ConfigMap/shop/same");
      changes.length = 0;
      server.breakWatches();
      put("changes", "2");
      remove("goes");
      put("new");
      server.store.compact();
      await eventually("the list", () => names() === "changes,new,same");
      expect([...changes].sort()).toEqual(["added new", "changed changes", "removed goes"]);
      expect(objects.get("ConfigMap/shop/same")).toBe(before);
      expect(lists()).toBe(2);
    },
  );

  it("goes on from a bookmark though the history before it is forgotten", async () => {
    const { server, put, watch, lists } = await start();
    put("a");
    const { names } = await watch();
    server.store.compact();
    server.bookmark();
    await new Promise((resolve) => setTimeout(resolve, 30));
    server.breakWatches();
    put("b");
    await eventually("b", () => names() === "a,b");
    expect(lists()).toBe(1);
  });

  it("says nothing of a write that changes no meaning", async () => {
    const { server, put, watch } = await start();
    put("a");
    const { changes, objects, names } = await watch();
    const before = objects.get("ConfigMap/shop/a");
    const metadata = { name: "a", namespace: "shop", labels: {}, managedFields: [{ manager: "x" }] };
    server.put({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { value: "1" } });
    put("b");
    await eventually("b", () => names() === "a,b");
    expect(changes).toEqual(["added a", "added b"]);
    expect(objects.get("ConfigMap/shop/a")).toBe(before);
  });

  it("retries with growing waits, shows what is wrong, and recovers", async () => {
    const waits: number[] = [];
    const sleep = (milliseconds: number) => {
      waits.push(milliseconds);
      return Promise.resolve();
    };
    const { server, put, client } = await start();
    put("a");
    server.fail(4, 503);
    const objects = listWatch(client, RESOURCES.configMaps, {
      sleep,
      backoff: { initial: 100, max: 400, random: () => 0.999 },
    });
    open.push(objects);
    await objects.ready;
    expect(waits.map((wait) => Math.round(wait / 100))).toEqual([1, 2, 4, 4]);
    expect(objects.diagnostics()).toEqual([]);
    await eventually("a watch", () => server.watches() === 1);
    server.fail(Number.POSITIVE_INFINITY, 403);
    server.breakWatches();
    await eventually("a diagnostic", () => objects.diagnostics()[0]?.code === "kubernetes-forbidden");
    expect([...objects.keys()]).toEqual(["ConfigMap/shop/a"]);
  });

  it("waits as long as the server asks", async () => {
    const waits: number[] = [];
    const { server, client } = await start();
    server.fail(1, 429, { "retry-after": "3" });
    const objects = listWatch(client, RESOURCES.configMaps, {
      ...fast,
      sleep: (milliseconds) => {
        waits.push(milliseconds);
        return Promise.resolve();
      },
    });
    open.push(objects);
    await objects.ready;
    expect(waits).toEqual([3000]);
  });

  it("ends with close, with its signal and with the client; the objects stay", async () => {
    const closing = new AbortController();
    const { server, put, watch, client } = await start({ signal: closing.signal });
    put("a");
    const { objects, changes } = await watch();
    objects.close();
    objects.close();
    await eventually("no watch", () => server.watches() === 0);
    put("b");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(changes).toEqual(["added a"]);
    expect([...objects.values()]).toHaveLength(1);
    await watch();
    closing.abort();
    await eventually("no watch", () => server.watches() === 0);
    client.close();
    await expect(listWatch(client, RESOURCES.configMaps).ready).rejects.toMatchObject({ code: "closed" });
  });

  it("carries thousands of objects in few batches", async () => {
    const { put, watch } = await start();
    for (let index = 0; index < 1200; index++) put(`n${index}`);
    const { objects } = await watch();
    expect([...objects.keys()]).toHaveLength(1200);
    let batches = 0;
    objects.subscribe(() => batches++);
    for (let index = 0; index < 1200; index++) put(`n${index}`, "2");
    await eventually("all", () => [...objects.values()].every(({ data }) => (data as { value: string }).value === "2"));
    expect(batches).toBeLessThan(300);
  });
});
