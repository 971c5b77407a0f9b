import { describe, expect, it } from "vitest";
import { settle, summary, type TestClient, testClient } from "../../test/discovery-test-client.ts";
import { testClock } from "../../test/test-clock.ts";
import type { Update } from "../client/update.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  EXTENSION_CONFIG_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SECRET_TYPE,
} from "../resource-type.ts";
import { createSnapshotSource, type Snapshot } from "../snapshot.ts";
import { createDiscoveryServer, type DiscoveryServerOptions } from "./discovery-server.ts";
import type { NackEvent } from "./event.ts";
import type { ResourceSource } from "./source.ts";

const cluster = (name: string, seconds = 1) => ({
  name,
  type: "EDS" as const,
  edsClusterConfig: { edsConfig: { ads: {} } },
  connectTimeout: `${seconds}s`,
});
const endpoints = (clusterName: string, port = 80) => ({
  clusterName,
  endpoints: [
    { lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "10.0.0.1", portValue: port } } } }] },
  ],
});
const route = (name: string, to: string) => ({
  name,
  virtualHosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: to } }] }],
});
const listener = (name: string, prefix = "x") => ({ name, statPrefix: prefix });

function setup(snapshot: Snapshot, options: DiscoveryServerOptions = {}) {
  const source = createSnapshotSource();
  const clock = testClock();
  source.set("default", snapshot);
  const server = createDiscoveryServer(source, { clock, ...options });
  return { source, clock, server, set: (next: Snapshot) => source.set("default", next) };
}

const BASE: Snapshot = {
  clusters: [cluster("a"), cluster("b")],
  endpoints: [endpoints("a"), endpoints("b")],
  listeners: [listener("l")],
  routes: [route("r", "a")],
};

/** Asks for everything of BASE as Envoy does, and takes it. */
async function boot(client: TestClient, mode: "sotw" | "delta"): Promise<void> {
  const names = (list: string[]) => (mode === "sotw" ? { resourceNames: list } : { resourceNamesSubscribe: list });
  client.request({ typeUrl: CLUSTER_TYPE });
  await client.take();
  client.request({ typeUrl: ENDPOINT_TYPE, ...names(["a", "b"]) });
  await client.take(["a", "b"]);
  client.request({ typeUrl: LISTENER_TYPE });
  await client.take();
  client.request({ typeUrl: ROUTE_TYPE, ...names(["r"]) });
  await client.take(["r"]);
  expect(client.inbox).toEqual([]);
}

describe.each(["sotw", "delta"] as const)("%s", (mode) => {
  const names = (list: string[]) => (mode === "sotw" ? { resourceNames: list } : { resourceNamesSubscribe: list });

  it("answers a legacy wildcard, and names", async () => {
    const { server } = setup(BASE);
    const client = testClient(server, mode);
    client.request({ typeUrl: CLUSTER_TYPE });
    expect(summary(await client.take())).toBe("+a +b");
    client.request({ typeUrl: ENDPOINT_TYPE, ...names(["b"]) });
    expect(summary(await client.take(["b"]))).toBe("+b");
    await settle();
    expect(client.inbox).toEqual([]);
    expect(server.clients()[0]?.types.map(({ shortName, synced }) => `${shortName} ${synced}`)).toEqual([
      "CDS true",
      "EDS true",
    ]);
  });

  it("answers an empty wildcard", async () => {
    const { server } = setup({});
    const client = testClient(server, mode);
    client.request({ typeUrl: CLUSTER_TYPE });
    expect(summary(await client.take())).toBe("");
  });

  it("answers unknown names: empty endpoints and routes", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, mode);
    client.request({ typeUrl: ENDPOINT_TYPE, ...names(["nope"]) });
    const first = await client.take(["nope"]);
    expect(first.resources.map(({ json }) => json)).toEqual([{ clusterName: "nope" }]);
    client.request({ typeUrl: ROUTE_TYPE, ...names(["nope"]) });
    expect((await client.take(["nope"])).resources.map(({ json }) => json)).toEqual([{ name: "nope" }]);
    set({ ...BASE, endpoints: [endpoints("nope")] });
    expect((await client.take(["nope"])).resources.map(({ json }) => json)).toEqual([endpoints("nope")]);
  });

  it("answers unknown secrets and extensions: removed in delta, nothing in the state of the world", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, mode);
    client.request({ typeUrl: SECRET_TYPE, ...names(["s"]) });
    client.request({ typeUrl: EXTENSION_CONFIG_TYPE, ...names(["e"]) });
    await settle();
    if (mode === "delta") expect([summary(await client.take()), summary(await client.take())]).toEqual(["-e", "-s"]);
    expect(client.inbox).toEqual([]);
    set({ ...BASE, secrets: [{ name: "s", genericSecret: { secret: { inlineString: "x" } } }] });
    expect(summary(await client.take(["s"]))).toBe("+s");
  });

  it("sends what changed, in order, and waits for clusters before routes", async () => {
    const { server, set, clock } = setup(BASE);
    const client = testClient(server, mode);
    await boot(client, mode);
    set({
      ...BASE,
      clusters: [cluster("a"), cluster("b"), cluster("c")],
      endpoints: [endpoints("a"), endpoints("b", 81), endpoints("c")],
      listeners: [listener("l", "y")],
      routes: [route("r", "c")],
    });
    const clusters = await client.next();
    expect(summary(clusters)).toBe(mode === "sotw" ? "+a +b +c" : "+c");
    // Envoy asks for the endpoints of a new cluster, and acknowledges the clusters once they are warm.
    expect(summary(await client.take(["a", "b"]))).toBe("+b");
    client.request({
      typeUrl: ENDPOINT_TYPE,
      ...(mode === "sotw" ? { ...names(["a", "b", "c"]), responseNonce: client.lastNonce("EDS") } : names(["c"])),
    });
    await settle();
    expect(summary(await client.take(["a", "b", "c"]))).toBe("+c");
    await settle();
    expect(client.inbox).toEqual([]);
    client.request({ typeUrl: CLUSTER_TYPE, responseNonce: clusters.nonce });
    expect(summary(await client.take())).toBe("+l");
    expect(summary(await client.take(["r"]))).toBe("+r");
    clock.advance(60_000);
    await settle();
    expect(client.inbox).toEqual([]);
  });

  it("does not wait for clusters that never get warm longer than the limit", async () => {
    const { server, set, clock } = setup(BASE);
    const client = testClient(server, mode);
    await boot(client, mode);
    set({ ...BASE, clusters: [cluster("a"), cluster("b"), cluster("c")], routes: [route("r", "c")] });
    await client.next();
    await settle();
    expect(client.inbox).toEqual([]);
    clock.advance(5_000);
    expect(summary(await client.take(["r"]))).toBe("+r");
    // Nor do later clusters.
    set({ ...BASE, clusters: [cluster("a", 2), cluster("b"), cluster("c")] });
    expect((await client.next()).typeUrl).toBe(CLUSTER_TYPE);
  });

  it("removes a cluster and its endpoints only after the route that used it, and a drain", async () => {
    const { server, set, clock } = setup({ ...BASE, routes: [route("r", "b")] });
    const client = testClient(server, mode);
    await boot(client, mode);
    set({
      clusters: [cluster("a")],
      endpoints: [endpoints("a")],
      listeners: [listener("l")],
      routes: [route("r", "a")],
    });
    expect(summary(await client.next())).toBe("+r");
    clock.advance(10_000);
    await settle();
    expect(client.inbox).toEqual([]);
    client.request({
      typeUrl: ROUTE_TYPE,
      responseNonce: client.lastNonce("RDS"),
      ...(mode === "sotw" && names(["r"])),
    });
    await settle();
    clock.advance(1_999);
    await settle();
    expect(client.inbox).toEqual([]);
    clock.advance(1);
    const removal = await client.take();
    expect(summary(removal)).toBe(mode === "sotw" ? "+a" : "-b");
    expect(removal.typeUrl).toBe(CLUSTER_TYPE);
  });

  // The state of the world has no removals of these to send.
  if (mode === "delta")
    it("removes the configuration of a filter only after the listener that had it", async () => {
      const extension = (name: string) => ({
        name,
        typedConfig: { "@type": "type.googleapis.com/google.protobuf.Empty" },
      });
      const { server, set, clock } = setup({ ...BASE, extensionConfigs: [extension("e"), extension("f")] });
      const client = testClient(server, mode);
      await boot(client, mode);
      client.request({ typeUrl: EXTENSION_CONFIG_TYPE, ...names(["e", "f"]) });
      await client.take(["e", "f"]);
      set({ ...BASE, extensionConfigs: [extension("e")], listeners: [listener("l", "y")] });
      expect(summary(await client.next())).toBe("+l");
      clock.advance(10_000);
      await settle();
      expect(client.inbox).toEqual([]);
      client.request({ typeUrl: LISTENER_TYPE, responseNonce: client.lastNonce("LDS") });
      await settle();
      clock.advance(1_999);
      await settle();
      expect(client.inbox).toEqual([]);
      clock.advance(1);
      expect(summary(await client.take())).toBe("-f");
    });

  it("removes a cluster without the acknowledgement when it does not come", async () => {
    const { server, set, clock } = setup({ ...BASE, routes: [route("r", "b")] });
    const client = testClient(server, mode);
    await boot(client, mode);
    set({
      clusters: [cluster("a")],
      endpoints: [endpoints("a")],
      listeners: [listener("l")],
      routes: [route("r", "a")],
    });
    await client.next();
    clock.advance(29_999);
    await settle();
    expect(client.inbox).toEqual([]);
    clock.advance(1);
    expect(summary(await client.next())).toBe(mode === "sotw" ? "+a" : "-b");
  });

  it("sends the endpoints of a changed cluster again", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, mode);
    await boot(client, mode);
    set({ ...BASE, clusters: [cluster("a"), cluster("b", 2)] });
    expect(summary(await client.take())).toBe(mode === "sotw" ? "+a +b" : "+b");
    const again = await client.take(["a", "b"]);
    expect([again.typeUrl, summary(again)]).toEqual([ENDPOINT_TYPE, "+b"]);
    await settle();
    expect(client.inbox).toEqual([]);
  });

  it("gives a slow client the newest state only", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, mode);
    await boot(client, mode);
    client.stall();
    for (let port = 1; port <= 50; port++) {
      set({ ...BASE, endpoints: [endpoints("a", port), endpoints("b")] });
      await settle(2);
    }
    expect(client.inbox).toHaveLength(1);
    client.drain();
    await client.take(["a", "b"]);
    expect((await client.take(["a", "b"])).resources.map(({ json }) => json)).toEqual([endpoints("a", 50)]);
    await settle();
    expect(client.inbox).toEqual([]);
    expect(server.metrics().bytesInFlight).toBe(0);
  });

  it("shares one encoded response between equal streams", async () => {
    const { server } = setup(BASE);
    const clients = Array.from({ length: 5 }, () => testClient(server, mode));
    const nonces = new Set<string>();
    for (const client of clients) client.request({ typeUrl: CLUSTER_TYPE });
    for (const client of clients) nonces.add((await client.take()).nonce);
    expect(nonces.size).toBe(1);
  });

  it("ends on a bad request, a request without a node, and only that stream", async () => {
    const { server } = setup(BASE);
    const good = testClient(server, mode);
    good.request({ typeUrl: CLUSTER_TYPE });
    const garbage = testClient(server, mode);
    garbage.raw(Buffer.from([0xff, 0xff, 0xff]));
    expect(garbage.status).toMatchObject({ code: 3, message: expect.stringContaining("malformed") });
    const nobody = testClient(server, mode);
    nobody.raw(Buffer.alloc(0));
    expect(nobody.status).toMatchObject({ code: 3 });
    const untyped = testClient(server, mode);
    untyped.request({});
    expect(untyped.status).toMatchObject({ code: 3, message: expect.stringContaining("no type") });
    expect(summary(await good.take())).toBe("+a +b");
    expect(server.metrics()).toMatchObject({ streams: 1, streamsRefused: 3 });
  });

  it("asks who may come in", async () => {
    const { server } = setup(BASE, {
      authorize: async (_peer, node) => (node.id === "good" ? undefined : `not ${node.id}`),
    });
    const bad = testClient(server, mode, { node: { id: "bad" } });
    bad.request({ typeUrl: CLUSTER_TYPE });
    await settle();
    expect(bad.status).toEqual({ code: 7, message: "not bad" });
    const good = testClient(server, mode, { node: { id: "good" } });
    good.request({ typeUrl: CLUSTER_TYPE });
    good.request({ typeUrl: LISTENER_TYPE });
    expect(summary(await good.take())).toBe("+a +b");
    expect(summary(await good.take())).toBe("+l");
  });

  it("lets new streams in at a bounded rate", async () => {
    const { server, clock } = setup(BASE, { maxStreamsPerSecond: 2 });
    clock.advance(5_000);
    const clients = Array.from({ length: 5 }, () => testClient(server, mode));
    for (const client of clients) client.request({ typeUrl: CLUSTER_TYPE });
    await settle();
    expect(clients.map(({ inbox, status }) => status?.code ?? inbox.length)).toEqual([1, 1, 0, 0, 14]);
    clients[3]?.close();
    clock.advance(1_000);
    await settle();
    expect(clients.map(({ inbox, status }) => status?.code ?? inbox.length)).toEqual([1, 1, 1, 0, 14]);
  });

  it("keeps secrets from plaintext connections", async () => {
    const { server } = setup({ secrets: [{ name: "s", genericSecret: { secret: { inlineString: "x" } } }] });
    const client = testClient(server, mode, { peer: { transport: "plaintext" } });
    client.request({ typeUrl: SECRET_TYPE, ...names(["s"]) });
    await settle();
    expect(client.inbox.map(summary)).toEqual(mode === "delta" ? ["-s"] : []);
    expect(server.metrics().secretsWithheld).toBe(1);
  });

  it("keeps a rejected resource at the version that was accepted, and sends what is new", async () => {
    const { server, set } = setup(BASE);
    const nacks: NackEvent[] = [];
    server.on("nack", (event) => nacks.push(event));
    const client = testClient(server, mode);
    await boot(client, mode);
    set({ ...BASE, clusters: [cluster("a", 7), cluster("b", 9)] });
    await client.take([], "Error adding/updating cluster(s) b: bad timeout");
    expect(nacks).toMatchObject([
      { attribution: "named", message: expect.stringContaining("bad timeout"), resources: [{ name: "b" }] },
    ]);
    // The other one again, as nobody knows whether it was taken; then the endpoints of the changed clusters.
    expect((await client.take()).resources.map(({ json }) => json)).toEqual(
      mode === "sotw" ? [cluster("a", 7), cluster("b")] : [cluster("a", 7)],
    );
    expect((await client.take(["a", "b"])).typeUrl).toBe(ENDPOINT_TYPE);
    await settle();
    expect(client.inbox).toEqual([]);
    set({ ...BASE, clusters: [cluster("a", 8), cluster("b", 9)] });
    const next = await client.take();
    expect(next.resources.map(({ json }) => json)).toEqual(
      mode === "sotw" ? [cluster("a", 8), cluster("b")] : [cluster("a", 8)],
    );
    await client.take(["a", "b"]);
    set({ ...BASE, clusters: [cluster("a", 8), cluster("b", 3)] });
    expect((await client.take()).resources.map(({ json }) => json)).toContainEqual(cluster("b", 3));
  });

  it("keeps from newcomers what nobody of their class accepted, and lifts that when somebody does", async () => {
    const { server, set } = setup(BASE);
    const first = testClient(server, mode);
    await boot(first, mode);
    set({ ...BASE, clusters: [cluster("a"), cluster("b", 9)] });
    await first.take([], "no");
    const second = testClient(server, mode, {
      node: { id: "second", userAgentName: "envoy", userAgentVersion: "1.40.0" },
    });
    second.request({ typeUrl: CLUSTER_TYPE });
    expect((await second.take()).resources.map(({ json }) => json)).toEqual([cluster("a"), cluster("b")]);
    const other = testClient(server, mode, {
      node: { id: "third", userAgentName: "envoy", userAgentVersion: "1.41.0" },
    });
    other.request({ typeUrl: CLUSTER_TYPE });
    expect((await other.take()).resources.map(({ json }) => json)).toEqual([cluster("a"), cluster("b", 9)]);
    expect(server.metrics().rejectedVersions).toBe(1);
  });

  it("keeps a route as it was while the cluster it is to lead to is rejected, and what it leads to now", async () => {
    const { server, set, clock } = setup(BASE);
    const client = testClient(server, mode);
    await boot(client, mode);
    const next = {
      ...BASE,
      clusters: [cluster("b"), cluster("new", 66)],
      routes: [route("r", "new"), route("other", "b")],
    };
    set({ ...next, endpoints: [endpoints("a"), endpoints("b"), endpoints("new")] });
    const offered = await client.take([], "Error adding/updating cluster(s) new: no");
    expect(summary(offered)).toBe(mode === "sotw" ? "+b +new +a" : "+new");
    client.request({
      typeUrl: ROUTE_TYPE,
      ...names(mode === "sotw" ? ["r", "other"] : ["other"]),
      responseNonce: client.lastNonce("RDS"),
    });
    await settle();
    const lists: Record<string, string[]> = { [ROUTE_TYPE]: ["r", "other"], [ENDPOINT_TYPE]: ["a", "b"] };
    const wanted = () => lists[client.inbox[0]?.typeUrl ?? ""];
    const seen: string[] = [];
    for (let round = 0; round < 6; round++) {
      while (client.inbox.length > 0) seen.push(summary(await client.take(wanted())));
      clock.advance(20_000);
      await settle();
    }
    // Neither the new route nor the removal of the cluster that the old one uses.
    expect(seen.filter((update) => update.includes("+r ") || update.endsWith("+r") || update.includes("-a"))).toEqual(
      [],
    );
    expect(seen).toContain("+other");
    set({ ...next, clusters: [cluster("b"), cluster("new", 5)] });
    const after: string[] = [];
    for (let round = 0; round < 6; round++) {
      while (client.inbox.length > 0) after.push(summary(await client.take(wanted())));
      clock.advance(20_000);
      await settle();
    }
    expect(after).toContain("+r");
    expect(after.at(-1)).toBe(mode === "sotw" ? "+b +new" : "-a");
  });

  it("finds the rejected one among many", async () => {
    const many = (seconds: (index: number) => number) =>
      Array.from({ length: 9 }, (_, index) => cluster(`c${index}`, seconds(index)));
    const { server, set } = setup({ clusters: many(() => 1) });
    const nacks: NackEvent[] = [];
    server.on("nack", (event) => nacks.push(event));
    const client = testClient(server, mode);
    client.request({ typeUrl: CLUSTER_TYPE });
    await client.take();
    const has = new Map<string, object>();
    set({ clusters: many((index) => (index === 6 ? 66 : 2)) });
    await settle();
    for (let round = 0; round < 20 && client.inbox.length > 0; round++) {
      const offered = client.inbox[0]?.resources ?? [];
      const bad = offered.some(({ json }) => (json as { connectTimeout: string }).connectTimeout === "66s");
      await client.take([], bad ? "something is wrong" : undefined);
      if (!bad) for (const { name, json } of offered) has.set(name, json);
      await settle();
    }
    expect(client.inbox).toEqual([]);
    expect(nacks.at(-1)).toMatchObject({ attribution: "bisection", resources: [{ name: "c6" }] });
    expect(
      [...has.values()].filter((json) => (json as { connectTimeout: string }).connectTimeout === "2s"),
    ).toHaveLength(8);
  });

  it("gives everything back when a client disappears in the middle of a push", async () => {
    const { server } = setup(BASE);
    const client = testClient(server, mode);
    client.request({ typeUrl: CLUSTER_TYPE });
    client.stall();
    await client.next();
    expect(server.metrics().bytesInFlight).toBeGreaterThan(0);
    client.close();
    await settle();
    expect(server.metrics()).toMatchObject({ streams: 0, bytesInFlight: 0, streamsWaiting: 0 });
    expect(server.clients()).toEqual([]);
  });

  it("bounds what is in flight, and a stalled client does not starve others", async () => {
    const { server, clock } = setup(BASE, { maxBytesInFlight: 1, stalledAfter: 1_000 });
    const slow = testClient(server, mode);
    slow.stall();
    slow.request({ typeUrl: CLUSTER_TYPE });
    await slow.next();
    const quick = testClient(server, mode);
    quick.request({ typeUrl: CLUSTER_TYPE });
    await settle();
    expect(quick.inbox).toEqual([]);
    expect(server.metrics().streamsWaiting).toBe(1);
    clock.advance(1_000);
    expect(summary(await quick.take())).toBe("+a +b");
    slow.drain();
    await settle();
    expect(server.metrics()).toMatchObject({ bytesInFlight: 0, bytesStalled: 0 });
  });
});

describe("a source or listener that fails", () => {
  const request = { typeUrl: CLUSTER_TYPE };
  it("ends the streams it fails for, and no other", async () => {
    const good = createSnapshotSource();
    good.set("default", BASE);
    const source: ResourceSource = {
      open(node, peer, changed) {
        if (node.id === "unknown") throw new Error("no such workload");
        const resources = good.open(node, peer, changed);
        return {
          ...resources,
          get(typeUrl) {
            if (node.id === "broken") throw new Error("cannot translate");
            return resources.get(typeUrl);
          },
        };
      },
    };
    const server = createDiscoveryServer(source);
    const errors: unknown[] = [];
    server.on("error", ({ error }) => errors.push(error));
    const [unknown, broken, fine] = ["unknown", "broken", "fine"].map((id) =>
      testClient(server, "delta", { node: { id } }),
    );
    for (const client of [unknown, broken, fine]) client?.request(request);
    expect(summary((await fine?.take()) as Update)).toBe("+a +b");
    expect(unknown?.status).toEqual({ code: 3, message: "no such workload" });
    expect(broken?.status).toEqual({ code: 13, message: "cannot translate" });
    expect(errors).toEqual([new Error("cannot translate")]);
    expect(server.metrics().streams).toBe(1);
  });

  it("is told of as an error, and the stream goes on", async () => {
    const { server } = setup(BASE);
    const errors: unknown[] = [];
    server.on("connect", () => {
      throw new Error("oops");
    });
    server.on("error", ({ error }) => errors.push(error));
    const client = testClient(server, "sotw");
    client.request(request);
    expect(summary(await client.take())).toBe("+a +b");
    expect(errors).toEqual([new Error("oops")]);
  });
});

describe("sotw", () => {
  it("ignores an answer to an older response", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, "sotw");
    client.request({ typeUrl: CLUSTER_TYPE });
    const first = await client.take();
    set({ ...BASE, clusters: [cluster("a", 2), cluster("b")] });
    await client.next();
    client.request({ typeUrl: CLUSTER_TYPE, responseNonce: first.nonce, errorDetail: { code: 3, message: "a" } });
    await settle();
    expect(server.metrics()).toMatchObject({ staleNonces: 1, nacks: {} });
  });

  it("sends nothing to a client that comes back with the same clusters, but endpoints", async () => {
    const { server } = setup(BASE);
    const first = testClient(server, "sotw");
    await boot(first, "sotw");
    const version = server.clients()[0]?.types[0]?.sentVersion;
    const second = testClient(server, "sotw");
    second.request({ typeUrl: CLUSTER_TYPE, versionInfo: version });
    second.request({ typeUrl: ENDPOINT_TYPE, resourceNames: ["a"], versionInfo: "x" });
    const only = await second.take(["a"]);
    expect(only.typeUrl).toBe(ENDPOINT_TYPE);
    expect(second.inbox).toEqual([]);
  });

  it("ends the wildcard with the first name, and everything with the empty list after it", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, "sotw");
    client.request({ typeUrl: CLUSTER_TYPE });
    await client.take(["a"]);
    expect(server.clients()[0]?.types[0]).toMatchObject({ wildcard: false, subscribed: 1, resources: 1 });
    set({ ...BASE, clusters: [cluster("a"), cluster("b", 5)] });
    await settle();
    expect(client.inbox).toEqual([]);
    client.request({ typeUrl: CLUSTER_TYPE, responseNonce: client.lastNonce("CDS"), resourceNames: [] });
    await settle();
    expect(server.clients()[0]?.types[0]).toMatchObject({ wildcard: false, resources: 0 });
    client.request({ typeUrl: CLUSTER_TYPE, responseNonce: client.lastNonce("CDS"), resourceNames: ["*", "zzz"] });
    expect(summary(await client.take(["*", "zzz"]))).toBe("+a +b");
  });
});

describe("delta", () => {
  it("sends nothing that a client that comes back has, and takes away what is gone", async () => {
    const { server, clock } = setup(BASE);
    const first = testClient(server, "delta");
    first.request({ typeUrl: CLUSTER_TYPE });
    const { resources } = await first.take();
    const versions = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
    const same = testClient(server, "delta");
    same.request({ typeUrl: CLUSTER_TYPE, initialResourceVersions: versions });
    await settle();
    expect(same.inbox).toEqual([]);
    const old = testClient(server, "delta");
    old.request({ typeUrl: CLUSTER_TYPE, initialResourceVersions: { ...versions, a: "older", gone: "x" } });
    expect(summary(await old.take())).toBe("+a");
    // What uses clusters may be named later: make before break.
    await settle();
    expect(old.inbox).toEqual([]);
    clock.advance(2_000);
    expect(summary(await old.take())).toBe("-gone");
  });

  it("sends secrets again to a client that comes back", async () => {
    const { server } = setup({ secrets: [{ name: "s", genericSecret: { secret: { inlineString: "x" } } }] });
    const first = testClient(server, "delta");
    first.request({ typeUrl: SECRET_TYPE, resourceNamesSubscribe: ["s"] });
    const version = (await first.take()).resources[0]?.version ?? "";
    const second = testClient(server, "delta");
    second.request({ typeUrl: SECRET_TYPE, resourceNamesSubscribe: ["s"], initialResourceVersions: { s: version } });
    expect(summary(await second.take())).toBe("+s");
  });

  it("answers names that are asked for again", async () => {
    const { server } = setup(BASE);
    const client = testClient(server, "delta");
    client.request({ typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["a", "b"] });
    await client.take();
    client.request({ typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["b"] });
    expect(summary(await client.take())).toBe("+b");
    client.request({ typeUrl: SECRET_TYPE, resourceNamesSubscribe: ["none"] });
    expect(summary(await client.take())).toBe("-none");
    client.request({ typeUrl: SECRET_TYPE, resourceNamesSubscribe: ["none"] });
    expect(summary(await client.take())).toBe("-none");
  });

  it("knows wildcards: names beside them, and their end", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, "delta");
    client.request({ typeUrl: CLUSTER_TYPE, resourceNamesSubscribe: ["*", "x"] });
    expect(summary(await client.take())).toBe("+a +b -x");
    client.request({ typeUrl: CLUSTER_TYPE, resourceNamesSubscribe: ["b"] });
    expect(summary(await client.take())).toBe("+b");
    client.request({ typeUrl: CLUSTER_TYPE, resourceNamesUnsubscribe: ["*"] });
    await settle();
    set({ ...BASE, clusters: [cluster("a", 2), cluster("b", 2), cluster("x")] });
    expect(summary(await client.take())).toBe("+b +x");
  });

  it("says nothing about names that are given up", async () => {
    const { server, set } = setup(BASE);
    const client = testClient(server, "delta");
    client.request({ typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["a", "b"] });
    await client.take();
    client.request({ typeUrl: ENDPOINT_TYPE, resourceNamesUnsubscribe: ["a"] });
    await settle();
    set({ ...BASE, endpoints: [endpoints("a", 1), endpoints("b", 1)] });
    expect(summary(await client.take())).toBe("+b");
  });

  it("sends endpoints of clusters that changed while the client was away, though it has them", async () => {
    const { server } = setup(BASE);
    const first = testClient(server, "delta");
    first.request({ typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["a", "b"] });
    const { resources } = await first.take();
    const versions = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
    const client = testClient(server, "delta");
    client.request({ typeUrl: CLUSTER_TYPE, initialResourceVersions: { a: "older" } });
    expect(summary(await client.take())).toBe("+a +b");
    client.request({ typeUrl: ENDPOINT_TYPE, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions });
    expect(summary(await client.take())).toBe("+a +b");
  });
});
