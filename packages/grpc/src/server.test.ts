import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { methods, type Serving, same, serveForTest, until } from "../test/support/serving.ts";
import { grpcJsService } from "./grpc-js.ts";
import { listenGrpc } from "./server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The same methods on the server here, and on one of grpc-js. */
const SERVERS: readonly (readonly [string, () => Promise<Serving>])[] = [
  ["the server", () => serveForTest()],
  [
    "a grpc-js server",
    async () => {
      const serving = await serveForTest({ methods: [] });
      const server = new Server();
      const { definition, implementation } = grpcJsService(methods(serving.log));
      server.addService(definition, implementation);
      const port = await new Promise<number>((resolve) =>
        server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
      );
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      open.push(client, { close: () => server.forceShutdown() });
      serving.client.close();
      const call: Serving["call"] = (name, request = Buffer.from("hi"), metadata = new Metadata(), deadline = 5_000) =>
        new Promise((resolve, reject) =>
          client.makeUnaryRequest(
            `/t.T/${name}`,
            same,
            same,
            request,
            metadata,
            { deadline: Date.now() + deadline },
            (error, value) => (value ? resolve(value) : reject(error)),
          ),
        );
      return { ...serving, client, call };
    },
  ],
];

describe.each(SERVERS)("methods on %s", (kind, start) => {
  const serve = async () => {
    const serving = await start();
    open.push(serving);
    return serving;
  };
  const metadata = (pairs: Readonly<Record<string, string | Buffer>>) => {
    const made = new Metadata();
    for (const [key, value] of Object.entries(pairs)) made.add(key, value);
    return made;
  };

  it("answer, small messages and large ones, many at once", async () => {
    const { call } = await serve();
    const large = Buffer.alloc(2_000_000, "x");
    expect((await call("Echo", large)).equals(large)).toBe(true);
    expect(await call("Echo", Buffer.alloc(0))).toEqual(Buffer.alloc(0));
    const all = await Promise.all(Array.from({ length: 300 }, (_, at) => call("Echo", Buffer.from(String(at)))));
    expect(all.map(String)).toEqual(all.map((_, at) => String(at)));
  });

  it("read metadata, text and bytes, and know the peer", async () => {
    const { call } = await serve();
    const answer = await call("Headers", undefined, metadata({ "x-a": "1", "x-bin": Buffer.from([0, 255]) }));
    expect(JSON.parse(answer.toString())).toEqual([["1"], ["00ff"], "127.0.0.1:PORT", "plaintext"]);
  });

  it("fail with a status, its message and its metadata", async () => {
    const { call } = await serve();
    const error = await call("Fail").catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 9, details: "für 100 %" });
    const trailers = (error as { metadata: Metadata }).metadata;
    expect(trailers.get("x-detail-bin")).toEqual([Buffer.from([0, 1, 255])]);
    expect(trailers.get("x-text")).toEqual(["text"]);
  });

  it("keep to themselves what they throw", async () => {
    const { call, log } = await serve();
    await expect(call("Fail", undefined, metadata({ "x-how": "throw" }))).rejects.toMatchObject({
      code: 2,
      details: "the call failed",
    });
    if (kind === "the server") expect(log).toEqual(["error: a secret of the server"]);
    expect(String(await call("Echo"))).toBe("hi");
  });

  it("are told when the answer is not wanted any more", async () => {
    const { call, client, log } = await serve();
    await expect(call("Hang", undefined, undefined, 50)).rejects.toMatchObject({ code: 4 });
    await until(() => log.length === 1);
    client.makeUnaryRequest("/t.T/Hang", same, same, Buffer.from("x"), () => undefined).cancel();
    const hanging = client.makeUnaryRequest("/t.T/Hang", same, same, Buffer.from("x"), () => undefined);
    setTimeout(() => hanging.cancel(), 50);
    await until(() => log.length >= 2);
  });

  it("exist, or are not implemented", async () => {
    const { call } = await serve();
    await expect(call("Nothing")).rejects.toMatchObject({ code: 12 });
  });

  const stream = async (serving: Serving, pairs: Readonly<Record<string, string>> = {}) => {
    const messages: string[] = [];
    const duplex = serving.client.makeBidiStreamRequest("/t.T/EchoAll", same, same, metadata(pairs));
    const status = new Promise<{ code: number; details: string }>((resolve) => duplex.on("status", resolve));
    duplex.on("data", (bytes: Buffer) => messages.push(bytes.toString()));
    duplex.on("error", () => undefined);
    return { duplex, messages, status };
  };

  it("stream in both directions until the client ends", async () => {
    const serving = await serve();
    const { duplex, messages, status } = await stream(serving);
    for (const text of ["a", "b", "c"]) duplex.write(Buffer.from(text));
    await until(() => messages.length === 3);
    duplex.end();
    expect(await status).toMatchObject({ code: 0 });
    expect(messages).toEqual(["a", "b", "c"]);
    await until(() => serving.log.length === 1);
    expect(serving.log).toEqual(["closed: the client ended the stream"]);
  });

  it("end a stream with a status, after what was written; the client's half may be open", async () => {
    const serving = await serve();
    const { duplex, messages, status } = await stream(serving);
    duplex.write(Buffer.from("a"));
    duplex.write(Buffer.from("end"));
    expect(await status).toMatchObject({ code: 14, details: "enough" });
    expect(messages).toEqual(["a"]);
    await until(() => serving.log.length === 1);
    expect(serving.log).toEqual(["closed: the server ended the stream"]);
  });

  it("of a stream may throw, at its begin and later, which ends that stream", async () => {
    const serving = await serve();
    expect(await (await stream(serving, { "x-how": "throw" })).status).toMatchObject({ code: 2 });
    const second = await stream(serving);
    second.duplex.write(Buffer.from("throw"));
    expect(await second.status).toMatchObject({ code: 2, details: "the call failed" });
    const third = await stream(serving);
    third.duplex.write(Buffer.from("a"));
    await until(() => third.messages.length === 1);
    third.duplex.cancel();
    // grpc-js does not tell a client that cancels from one that ends.
    await until(() => serving.log.some((line) => line.startsWith("closed: the client")));
  });
});

it("paces who writes by the client", async () => {
  const written: (Error | null | undefined)[] = [];
  const message = Buffer.alloc(1_000_000);
  const serving = await serveForTest({
    methods: [
      {
        kind: "stream",
        path: "/t.T/Flood",
        open(stream) {
          const next = (error?: Error | null) => {
            written.push(error);
            if (!error && written.length < 100) stream.write(message, next);
          };
          stream.write(message, next);
          return { message: () => undefined, halfClosed: () => undefined, closed: () => undefined };
        },
      },
    ],
  });
  open.push(serving);
  const session = connect(`http://${serving.server.address}`);
  open.push({ close: () => session.destroy() });
  const request = session.request({ ":method": "POST", ":path": "/t.T/Flood", "content-type": "application/grpc" });
  request.on("error", () => undefined);
  request.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The window of HTTP/2 is 64 KB: the first is not taken before the client reads.
  expect(written.length).toBe(0);
  let received = 0;
  request.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  request.resume();
  await until(() => received >= 3_000_000);
  expect(written.length).toBeGreaterThanOrEqual(2);
  request.close();
  await until(() => written.some((error) => error instanceof Error));
});

it("ends with what is under way, or when that takes too long", async () => {
  const serving = await serveForTest();
  open.push(serving);
  await serving.call("Echo");
  const hanging = serving.call("Hang").catch((error: { code: number }) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  await serving.server.close(200);
  expect(performance.now() - start).toBeGreaterThan(150);
  expect([13, 14]).toContain(await hanging);
  await until(() => serving.server.connections === 0);
  await serving.server.close();
});

it("closes connections that are old", async () => {
  const aging = await serveForTest({ maxConnectionAge: { max: 100, grace: 50 } });
  open.push(aging);
  const old = connect(`http://${aging.server.address}`);
  const gone = new Promise<void>((resolve) => old.once("close", resolve));
  old.on("error", () => undefined);
  await gone;
  await until(() => aging.server.connections === 0);
});

it("listens on all addresses of a name, on Unix sockets, and says why it cannot", async () => {
  const folder = await mkdtemp(join(tmpdir(), "grpc-"));
  open.push({ close: () => rm(folder, { recursive: true }) });
  for (const address of ["localhost:0", `unix:${join(folder, "s")}`]) {
    const serving = await serveForTest({ address });
    open.push(serving);
    expect(String(await serving.call("Echo"))).toBe("hi");
  }
  const { server } = await serveForTest();
  open.push(server);
  await expect(listenGrpc({ address: server.address, methods: [] })).rejects.toMatchObject({ code: "EADDRINUSE" });
  for (const address of ["", "nowhere", "127.0.0.1:x", "127.0.0.1:99999", "::1:80", "unix:"])
    await expect(listenGrpc({ address, methods: [] })).rejects.toMatchObject({ code: 3 });
});
