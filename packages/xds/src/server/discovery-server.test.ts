import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createDiscoveryClient, type DiscoveryClient, type DiscoveryClientOptions } from "../client/index.ts";
import { decode, encode } from "../proto/codec.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, SECRET_TYPE } from "../resource-type.ts";
import { createSnapshotSource } from "../snapshot.ts";
import { createDiscoveryServer, type DiscoveryServerOptions } from "./discovery-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function serve(options: DiscoveryServerOptions = {}) {
  const source = createSnapshotSource({ group: (node) => String(node.metadata?.GROUP ?? "default") });
  const server = createDiscoveryServer(source, { ...options, timing: { drain: 0 } });
  open.push(server);
  const { address } = await server.listen({ address: "127.0.0.1:0" });
  return { source, server, address };
}

function connect(
  options: Omit<DiscoveryClientOptions, "node" | "onResources"> & Partial<DiscoveryClientOptions>,
): DiscoveryClient {
  const client = createDiscoveryClient({
    node: { id: "n", userAgentName: "test" },
    onResources: () => undefined,
    backoff: { first: 10, limit: 50 },
    ...options,
  });
  open.push(client);
  return client;
}

/** Waits until `check` holds; fails after two seconds. */
async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 2_000;
  while (!check()) {
    if (performance.now() > end) throw new Error(`did not come true: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const cluster = (name: string) => ({ name, type: "EDS" as const });
const secret = { name: "s", genericSecret: { secret: { inlineString: "x" } } };

describe.each(["sotw", "delta"] as const)("over gRPC, %s", (mode) => {
  it("follows changes, and the group of the node", async () => {
    const { source, address } = await serve();
    source.set("default", { clusters: [cluster("other")] });
    source.set("mine", { clusters: [cluster("a"), cluster("b")], endpoints: [{ clusterName: "a" }] });
    const client = connect({
      address,
      mode,
      node: { id: "n", metadata: { GROUP: "mine" } },
      subscriptions: { [CLUSTER_TYPE]: ["*"] },
    });
    await until(() => client.resources(CLUSTER_TYPE).size === 2);
    client.subscribe(ENDPOINT_TYPE, ["a"]);
    await until(() => client.resources(ENDPOINT_TYPE).size === 1);
    source.set("mine", { clusters: [cluster("b"), cluster("c")] });
    await until(() => [...client.resources(CLUSTER_TYPE).keys()].sort().join() === "b,c");
  });

  it("tells of connections, answers and rejections", async () => {
    const { source, server, address } = await serve();
    const events: string[] = [];
    server.on("connect", ({ client }) => events.push(`connect ${client.node.id} ${client.peer.transport}`));
    server.on("ack", ({ type, resources }) =>
      events.push(`ack ${type.shortName} ${resources.map(({ name }) => name)}`),
    );
    server.on("nack", ({ message, attribution }) => events.push(`nack ${message} ${attribution}`));
    server.on("disconnect", ({ client }) => events.push(`disconnect ${client?.node.id}`));
    source.set("default", { clusters: [cluster("a")] });
    const client = connect({
      address,
      mode,
      subscriptions: { [CLUSTER_TYPE]: ["*"] },
      onResources: async ({ resources }) => (resources.some(({ name }) => name === "bad") ? "no bad" : undefined),
    });
    await until(() => events.length === 2);
    source.set("default", { clusters: [cluster("a"), cluster("bad")] });
    await until(() => events.length === 3);
    client.close();
    await until(() => events.length === 4);
    expect(events).toEqual(["connect n plaintext", "ack CDS a", "nack no bad named", "disconnect n"]);
    expect([...client.resources(CLUSTER_TYPE).keys()]).toEqual(["a"]);
  });

  it("comes back after the server did, and is sent nothing that it has", async () => {
    const { source, server, address } = await serve();
    source.set("default", { clusters: [cluster("a")], listeners: [{ name: "l" }] });
    const client = connect({ address, mode, subscriptions: { [CLUSTER_TYPE]: ["*"], [LISTENER_TYPE]: ["*"] } });
    await until(() => server.metrics().acks.CDS === 1 && server.metrics().acks.LDS === 1);
    await server.close();
    const again = createDiscoveryServer(source, { timing: { drain: 0 } });
    open.push(again);
    await again.listen({ address });
    await until(() => again.clients()[0]?.types.length === 2);
    expect(again.clients()[0]?.types.every(({ synced }) => synced)).toBe(true);
    expect(again.metrics().responses).toEqual({});
    source.set("default", { clusters: [cluster("b")], listeners: [{ name: "l" }] });
    await until(() => [...client.resources(CLUSTER_TYPE).keys()].join() === "b");
    expect(again.metrics().responses.LDS).toBeUndefined();
  });

  it("serves a Unix socket, with secrets", async () => {
    const { source, server } = await serve();
    source.set("default", { secrets: [secret] });
    const folder = mkdtempSync(join(tmpdir(), "xds-"));
    try {
      const { address } = await server.listen({ address: `unix:${join(folder, "s")}` });
      const client = connect({ address, mode, subscriptions: { [SECRET_TYPE]: ["s"] } });
      await until(() => client.resources(SECRET_TYPE).size === 1);
      expect(client.resources(SECRET_TYPE).get("s")?.json).toEqual(secret);
      expect(server.clients()[0]).toMatchObject({ transport: "unix" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("refusals", () => {
  const stream = (address: string, bytes: Buffer) =>
    new Promise<grpc.ServiceError>((resolve) => {
      const channel = new grpc.Client(address, grpc.credentials.createInsecure());
      open.push(channel);
      const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
      const call = channel.makeBidiStreamRequest(
        path,
        (value: Buffer) => value,
        (value: Buffer) => value,
      );
      call.on("error", resolve);
      call.on("data", () => undefined);
      call.write(bytes);
    });

  it("ends only the stream of garbage and of oversized requests", async () => {
    const { source, server, address } = await serve({ maxRequestBytes: 100_000 });
    source.set("default", { clusters: [cluster("a")] });
    const good = connect({ address, subscriptions: { [CLUSTER_TYPE]: ["*"] } });
    await until(() => good.resources(CLUSTER_TYPE).size === 1);
    expect(await stream(address, Buffer.from("garbage"))).toMatchObject({ code: 3 });
    expect(await stream(address, Buffer.alloc(200_000))).toMatchObject({ code: 8 });
    source.set("default", { clusters: [cluster("b")] });
    await until(() => good.resources(CLUSTER_TYPE).has("b"));
    await until(() => server.metrics().streams === 1);
  });

  it("limits streams, and says who is not let in", async () => {
    const { address, server } = await serve({
      maxStreams: 1,
      authorize: (_, { id }) => (id === "n" ? undefined : "who are you?"),
    });
    const request = (id: string) =>
      Buffer.from(encode("envoy.service.discovery.v3.DeltaDiscoveryRequest", { node: { id }, typeUrl: CLUSTER_TYPE }));
    expect(await stream(address, request("x"))).toMatchObject({ code: 7, details: "who are you?" });
    connect({ address, subscriptions: { [CLUSTER_TYPE]: ["*"] } });
    await until(() => server.clients().length === 1);
    expect(await stream(address, request("n"))).toMatchObject({ code: 8, details: "too many streams" });
  });

  it("does not listen in plaintext beyond loopback unless told to", async () => {
    const { server } = await serve();
    await expect(server.listen({ address: "0.0.0.0:0" })).rejects.toMatchObject({ code: "insecure" });
    await expect(server.listen({ address: "127.0.0.1:notaport" })).rejects.toMatchObject({ code: "listen-failed" });
  });
});

it("ends connections that are old, and sends the clients that come back nothing that they have", async () => {
  const { source, server, address } = await serve({ maxConnectionAge: 300 });
  source.set("default", { clusters: [cluster("a")] });
  const client = connect({ address, subscriptions: { [CLUSTER_TYPE]: ["*"] } });
  await until(() => client.resources(CLUSTER_TYPE).size === 1);
  await until(() => server.metrics().streamsOpened === 2 && client.connected);
  expect([...client.resources(CLUSTER_TYPE).keys()]).toEqual(["a"]);
  expect(server.metrics().responses).toEqual({ CDS: 1 });
});

it("answers FetchSecrets once", async () => {
  const { source, server } = await serve();
  source.set("default", { secrets: [secret] });
  const { address } = await server.listen({ address: "127.0.0.1:0", insecure: true });
  const channel = new grpc.Client(address, grpc.credentials.createInsecure());
  open.push(channel);
  const fetched = (name: string) =>
    new Promise<Buffer>((resolve, reject) => {
      const request = encode("envoy.service.discovery.v3.DiscoveryRequest", {
        node: { id: "n" },
        resourceNames: [name],
      });
      channel.makeUnaryRequest(
        "/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets",
        (value: Buffer) => value,
        (value: Buffer) => value,
        Buffer.from(request),
        (error, value) => (value ? resolve(value) : reject(error)),
      );
    });
  const response = "envoy.service.discovery.v3.DiscoveryResponse";
  expect(decode(response, await fetched("s")).resources).toMatchObject([{ name: "s" }]);
  await expect(fetched("unknown")).rejects.toMatchObject({
    code: grpc.status.NOT_FOUND,
    details: "there is no SDS resource named unknown",
  });
  await until(() => server.metrics().streams === 0);
});
