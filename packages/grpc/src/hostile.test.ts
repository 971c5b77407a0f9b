import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FLAG, FRAME, frame, type RawClient, rawClient, request } from "../test/support/raw-client.ts";
import { type Serving, serveForTest, until } from "../test/support/serving.ts";

let serving: Serving;
const clients: RawClient[] = [];
const thrown: unknown[] = [];
const onThrown = (error: unknown) => void thrown.push(error);

beforeAll(async () => {
  process.on("uncaughtException", onThrown);
  serving = await serveForTest({ maxReceiveBytes: 100_000 });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await serving.close();
  process.off("uncaughtException", onThrown);
  expect(thrown).toEqual([]);
});

async function dial(preface = true, { server } = serving): Promise<RawClient> {
  const client = await rawClient(server.port, preface);
  clients.push(client);
  return client;
}

/** The server still answers others. */
async function isWell(): Promise<void> {
  expect(String(await serving.call("Echo"))).toBe("hi");
}

const open = (stream: number, path = "/t.T/Echo", more: Readonly<Record<string, string>> = {}) =>
  frame(FRAME.headers, FLAG.endHeaders, stream, request(path, more));
const data = (stream: number, body: Buffer, flags: number = FLAG.endStream) => frame(FRAME.data, flags, stream, body);
const message = (body: string, length = body.length) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};

/** Whether the server has ended a stream with headers: a status, or trailers. */
const sawStatus = (client: RawClient, stream: number) =>
  client.received.some(
    ({ type, stream: of, flags }) => of === stream && type === FRAME.headers && flags & FLAG.endStream,
  );

describe("a client that does as it likes", () => {
  it.each([
    ["half a message", [open(1), data(1, message("abc", 10))]],
    ["half a head", [open(1), data(1, Buffer.from([0, 0]))]],
    ["no message", [open(1), data(1, Buffer.alloc(0))]],
    ["two messages for a method that takes one", [open(1), data(1, Buffer.concat([message("a"), message("b")]))]],
    ["a message of four gigabytes", [open(1), data(1, message("", 0xffffffff), 0)]],
    ["a message above the limit", [open(1), data(1, message("", 100_001), 0)]],
    ["an unknown flag", [open(1), data(1, Buffer.from([7, 0, 0, 0, 0]))]],
    ["a compressed message and no encoding", [open(1), data(1, Buffer.from([1, 0, 0, 0, 0]))]],
    ["an unknown encoding", [open(1, "/t.T/Echo", { "grpc-encoding": "br" }), data(1, message("a"))]],
    ["a timeout that is none", [open(1, "/t.T/Echo", { "grpc-timeout": "soon" }), data(1, message("a"))]],
    ["an unknown method", [open(1, "/t.T/None"), data(1, message("a"))]],
    ["another content type", [open(1, "/t.T/Echo", { "content-type": "text/html" }), data(1, message("a"))]],
  ])("is told: %s", async (_, frames) => {
    const client = await dial();
    client.write(...frames);
    await until(() => sawStatus(client, 1));
    // The connection goes on.
    client.write(open(3), data(3, message("x")));
    await until(() => sawStatus(client, 3));
    await isWell();
  });

  it("and goes on sending where nobody reads is stopped", async () => {
    const client = await dial();
    client.write(open(1), data(1, message("", 100_001), 0));
    await until(() => sawStatus(client, 1));
    for (let count = 0; count < 3; count++) client.write(data(1, Buffer.alloc(16_000), 0));
    await until(() => client.received.some(({ type, stream }) => type === FRAME.rstStream && stream === 1));
    await isWell();
  });

  it("resets streams as fast as it opens them loses its connection", async () => {
    const client = await dial();
    for (let at = 0; at < 4_000 && !client.closed; at++)
      client.write(open(2 * at + 1, "/t.T/Hang"), frame(FRAME.rstStream, 0, 2 * at + 1, Buffer.from([0, 0, 0, 8])));
    await until(() => client.closed || client.received.some(({ type }) => type === FRAME.goaway));
    await isWell();
  });

  it("opens more streams than it may is refused those", async () => {
    const client = await dial();
    for (let at = 0; at < 1_050; at++) client.write(open(2 * at + 1, "/t.T/EchoAll"));
    await until(
      () => client.closed || client.received.some(({ type }) => type === FRAME.rstStream || type === FRAME.goaway),
    );
    client.close();
    await isWell();
  });

  it("sends headers without end loses its connection", async () => {
    const client = await dial();
    client.write(frame(FRAME.headers, 0, 1, request("/t.T/Echo")));
    for (let at = 0; at < 200 && !client.closed; at++)
      client.write(frame(FRAME.continuation, 0, 1, request("/t.T/Echo", { x: "y".repeat(8_000) })));
    await until(() => client.closed);
    await isWell();
  });

  it("does not answer pings, or never begins, loses its connection", async () => {
    const strict = await serveForTest({ keepalive: { interval: 100, timeout: 100 } });
    const [silent, mute] = [await dial(true, strict), await dial(false, strict)];
    await until(() => silent.closed && mute.closed);
    expect(silent.received.some(({ type }) => type === FRAME.ping)).toBe(true);
    // One that answers stays.
    expect(String(await strict.call("Echo"))).toBe("hi");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(strict.server.connections).toBe(1);
    await strict.close();
  });

  it("sends anything at all harms nobody else", async () => {
    const garbage = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
    const odd = fc
      .tuple(fc.nat(255), fc.nat(255), fc.nat(9), garbage)
      .map(([type, flags, stream, body]) => frame(type, flags, stream, body));
    const plausible = fc.constantFrom(
      open(1),
      open(3, "/t.T/EchoAll"),
      data(1, message("a"), 0),
      data(3, message("b")),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(garbage, odd, plausible), { maxLength: 12 }),
        fc.boolean(),
        async (parts, preface) => {
          const client = await dial(preface);
          for (const part of parts) client.write(part);
          await new Promise((resolve) => setTimeout(resolve, 2));
          client.close();
        },
      ),
      { numRuns: 150 },
    );
    await isWell();
    await until(() => serving.server.connections <= 2);
  });

  it("begins many messages and ends none is stopped", async () => {
    const client = await dial();
    const part = Buffer.concat([message("", 99_000), Buffer.alloc(16_000)]);
    for (let at = 0; at < 900; at++) client.write(open(2 * at + 1), data(2 * at + 1, part, 0));
    // 1 MiB is 65 of them.
    await until(
      () => client.received.filter(({ type, flags }) => type === FRAME.headers && flags & FLAG.endStream).length > 800,
    );
    expect(client.closed).toBe(false);
    await isWell();
    const calm = await dial();
    calm.write(open(1), data(1, message("a", 2), 0));
    await new Promise((resolve) => setTimeout(resolve, 20));
    calm.write(data(1, Buffer.from("b")));
    await until(() => sawStatus(calm, 1));
  });
});
