import { type ConfigObject, destinationRule, virtualService } from "@fairlead/config";
import { type KubernetesStore, kubernetesStore } from "@fairlead/config/kubernetes";
import { storeContract } from "@fairlead/config/testing";
import { type KubernetesClient, KubernetesError, type ResourceType } from "@fairlead/kubernetes";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";

const here = await hasKube("the Kubernetes store");

const RULES: ResourceType = {
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  plural: "destinationrules",
  namespaced: true,
};

describe.skipIf(!here)("the Kubernetes store on a real API server", () => {
  let server: KubeServer;
  const open = async (): Promise<KubernetesStore> => {
    const store = kubernetesStore({
      client: server.client,
      kinds: ["DestinationRule", "VirtualService"],
      watch: { watchSeconds: 3 },
    });
    await store.ready;
    return store;
  };
  const rule = (name: string, host: string) => destinationRule({ name, namespace: "shop" }, { host });
  const ref = (name: string) => ({ kind: "DestinationRule", namespace: "shop", name });
  const host = (store: KubernetesStore, name: string) =>
    (store.get(`DestinationRule/shop/${name}`)?.spec as { host?: string } | undefined)?.host;
  const empty = async () => {
    const { items } = await server.client.list(RULES);
    for (const { metadata } of items)
      await server.client.delete(RULES, metadata.name, { namespace: metadata.namespace as string });
  };

  beforeAll(async () => {
    server = await startKube();
    await server.installDefinitions(["DestinationRule", "VirtualService"]);
    await server.createNamespace("shop");
  });
  afterAll(() => server?.close());

  storeContract({ describe, it }, "kubernetesStore", async () => {
    await empty();
    const [store, peer] = [await open(), await open()];
    return {
      store,
      peer,
      transactions: false,
      stop: () => {
        store.close();
        peer.close();
      },
    };
  });

  it("keeps metadata that is not its own, and reads an object in every version", async () => {
    await empty();
    using store = await open();
    await server.client.create(
      { ...RULES, apiVersion: "networking.istio.io/v1beta1" },
      { metadata: { name: "a", namespace: "shop", finalizers: ["example.com/keep"] }, spec: { host: "a.com" } },
    );
    await vi.waitFor(() => expect(host(store, "a")).toBe("a.com"));
    await store.transact([{ put: rule("a", "b.com") }]);
    const { metadata, spec } = await server.client.get(RULES, "a", { namespace: "shop" });
    expect([metadata.finalizers, metadata.generation, spec]).toEqual([["example.com/keep"], 2, { host: "b.com" }]);
    await store.transact([{ delete: ref("a") }]);
    expect([host(store, "a"), store.stored(ref("a"))]).toEqual([undefined, undefined]);
    await server.client.mergePatch(RULES, "a", { metadata: { finalizers: null } }, { namespace: "shop" });
  });

  it("leaves the last good version in force where the server holds what is not valid", async () => {
    await empty();
    using store = await open();
    await store.transact([{ put: rule("a", "a.com") }]);
    await server.client.mergePatch(RULES, "a", { spec: { host: "not a host" } }, { namespace: "shop" });
    await vi.waitFor(() => expect(store.diagnostics().map(({ path }) => path)).toContain("spec.host"));
    expect(host(store, "a")).toBe("a.com");
    await store.transact([{ put: rule("a", "mended.com") }]);
    expect([host(store, "a"), store.diagnostics()]).toEqual(["mended.com", []]);
  });

  it("says what the server has no definition of, and follows it once it has", async () => {
    using store = kubernetesStore({
      client: server.client,
      kinds: ["DestinationRule", "ServiceEntry"],
      discoveryInterval: 100,
    });
    await store.ready;
    expect(store.diagnostics()).toMatchObject([{ code: "kind-not-served", severity: "info" }]);
    const entry = { kind: "ServiceEntry", apiVersion: "networking.istio.io/v1" };
    await expect(
      store.transact([{ put: { ...rule("a", "a.com"), ...entry, spec: { hosts: ["a.com"] } } as ConfigObject }]),
    ).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await server.installDefinitions(["ServiceEntry"]);
    await vi.waitFor(() => expect(store.diagnostics()).toEqual([]), 10_000);
  });

  it("tells what the server refuses", async () => {
    using store = await open();
    const longName = "a".repeat(254);
    await expect(store.transact([{ put: rule(longName, "a.com") }])).rejects.toMatchObject({ code: "REFUSED" });
    await expect(
      store.transact([
        {
          put: virtualService(
            { name: "v", namespace: "nowhere" },
            { hosts: ["a"], http: [{ directResponse: { status: 200 } }] },
          ),
        },
      ]),
    ).rejects.toThrow(/nowhere/);
  });

  it("goes on after the server was killed and started again", async () => {
    await empty();
    using store = await open();
    await store.transact([{ put: rule("a", "a.com") }]);
    const seen: (string | undefined)[] = [];
    store.subscribe((changes) => seen.push(...changes.map(({ key }) => key)));
    await server.restart();
    const { spec } = await server.client.mergePatch(RULES, "a", { spec: { host: "b.com" } }, { namespace: "shop" });
    expect(spec).toEqual({ host: "b.com" });
    await vi.waitFor(() => expect(host(store, "a")).toBe("b.com"), 30_000);
    expect(seen).toEqual(["DestinationRule/shop/a"]);
  });

  it("loses nothing when etcd was compacted while it was cut off: it lists again and tells what differs", async () => {
    await empty();
    let cut = false;
    let lists = 0;
    const failures: string[] = [];
    const bodies = new Set<{ destroy(): void }>();
    const client: KubernetesClient = {
      ...server.client,
      list: (type, scope) => {
        lists++;
        return server.client.list(type, scope);
      },
      watch: async (type, query, scope) => {
        if (cut) throw new KubernetesError("unreachable", "cut off");
        const body = await server.client.watch(type, query, scope).catch((error: KubernetesError) => {
          failures.push(error.code);
          throw error;
        });
        bodies.add(body);
        return body;
      },
    };
    const watch = { backoff: { initial: 20, max: 100 } };
    using store = kubernetesStore({ client, kinds: ["DestinationRule"], watch });
    await store.ready;
    for (const name of ["kept", "changed", "removed"]) await store.transact([{ put: rule(name, `${name}.com`) }]);
    const kept = store.get("DestinationRule/shop/kept");
    const told: string[] = [];
    store.subscribe((changes) => {
      for (const { key, value } of changes)
        told.push(`${key.split("/")[2]} ${(value?.spec as { host: string })?.host}`);
    });
    expect(lists).toBe(1);

    cut = true;
    for (const body of bodies) body.destroy();
    const shop = { namespace: "shop" };
    await server.client.mergePatch(RULES, "changed", { spec: { host: "other.com" } }, shop);
    await server.client.delete(RULES, "removed", shop);
    await server.client.create(RULES, { metadata: { name: "added", ...shop }, spec: { host: "added.com" } });
    await vi.waitFor(() => expect(store.diagnostics()).toMatchObject([{ code: "kubernetes-unreachable" }]));
    expect(told).toEqual([]);
    await server.compact();
    // What the server itself still remembers of the time before goes too.
    await server.restart();
    cut = false;

    await vi.waitFor(() => expect(host(store, "added")).toBe("added.com"), 30_000);
    expect(told.sort()).toEqual(["added added.com", "changed other.com", "removed undefined"]);
    expect(store.get("DestinationRule/shop/kept")).toBe(kept);
    expect(store.diagnostics()).toEqual([]);
    // Only an answer of 410 makes it list again.
    expect(lists).toBe(2);
    expect(failures.filter((code) => code === "gone").length).toBeLessThanOrEqual(1);
    await server.client.mergePatch(RULES, "added", { spec: { host: "later.com" } }, shop);
    await vi.waitFor(() => expect(host(store, "added")).toBe("later.com"), 10_000);
    expect(lists).toBe(2);
  });
});
