import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompressionOf } from "./compression.ts";
import { framed, HEAD, MessageReader } from "./framing.ts";

/** All messages of these chunks. */
function readAll(chunks: readonly Buffer[], reader = new MessageReader(1_000, undefined)): Buffer[] {
  const messages: Buffer[] = [];
  for (const chunk of chunks) reader.read(chunk, (message) => messages.push(message));
  return messages;
}

function head(flag: number, length: number): Buffer {
  const bytes = Buffer.alloc(HEAD);
  bytes[0] = flag;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

describe("messages", () => {
  it("come out as they went in, however they are cut", () => {
    const message = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (all, sizes) => {
          const bytes = Buffer.concat(all.map((one) => framed(one)));
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(readAll(chunks)).toEqual(all);
        },
      ),
    );
  });

  it("that have begun and not ended are known", () => {
    const reader = new MessageReader(100, undefined);
    expect(readAll([framed(Buffer.from("a")).subarray(0, 3)], reader)).toEqual([]);
    expect(reader.held).toBe(3);
    expect(readAll([framed(Buffer.from("a")).subarray(3)], reader)).toEqual([Buffer.from("a")]);
    expect(reader.held).toBe(0);
  });

  it("that come byte by byte are held themselves, not the buffers that brought them", () => {
    const reader = new MessageReader(100_000, undefined);
    readAll([head(0, 20_000)], reader);
    const before = process.memoryUsage().arrayBuffers;
    // 1.3 GB brought 20,000 bytes.
    const messages: Buffer[] = [];
    for (let at = 0; at < 20_000; at++)
      reader.read(
        Buffer.allocUnsafeSlow(65_536)
          .fill(at & 255, 0, 1)
          .subarray(0, 1),
        (message) => messages.push(message),
      );
    expect(messages.map((message) => [message.length, message[300]])).toEqual([[20_000, 300 & 255]]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(500 << 20);
  });

  it.each([
    ["too long, refused at the head", [head(0, 1_001)], 8],
    ["of four gigabytes", [head(0, 0xffffffff)], 8],
    ["with an unknown flag", [head(2, 1), Buffer.from("a")], 13],
    ["compressed, without an encoding", [head(1, 1), Buffer.from("a")], 13],
  ])("%s", (_, chunks, code) => {
    expect(() => readAll(chunks)).toThrow(expect.objectContaining({ code }));
  });
});

describe("compression", () => {
  const compressed = (body: Buffer, maxBytes = 1_000) =>
    readAll([head(1, body.length), body], new MessageReader(maxBytes, decompressionOf("gzip")));

  it("expands", () => {
    expect(compressed(gzipSync("hello"))).toEqual([Buffer.from("hello")]);
  });

  it("stops at the limit of a message, whatever it expands to", () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => compressed(bomb, 100_000)).toThrow(expect.objectContaining({ code: 8 }));
  });

  it("says that bytes are not what they are said to be, and which encodings there are", () => {
    expect(() => compressed(Buffer.from("no gzip"))).toThrow(expect.objectContaining({ code: 13 }));
    expect(decompressionOf("identity")).toBeUndefined();
    expect(() => decompressionOf("br")).toThrow(
      expect.objectContaining({ code: 12, metadata: { "grpc-accept-encoding": "identity,deflate,gzip" } }),
    );
  });
});
