import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import { decode, encode, encodeImmutable } from "./codec.ts";

const LISTENER = "envoy.config.listener.v3.Listener";
const filter = () => ({
  name: "proxy",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy" as const,
    statPrefix: "x".repeat(300),
    cluster: "c",
  },
});

describe("what occurs several times in a message, as one object", () => {
  test("is written as often", () => {
    const shared = filter();
    const filters = [shared, shared, shared, shared, shared];
    const chains = (of: () => object[]) => ({
      filterChains: Array.from({ length: 6 }, (_, index) => ({ name: `chain-${index}`, filters: of() })),
    });
    const apart = encode(
      LISTENER,
      chains(() => filters.map(filter)),
    );
    expect(
      encode(
        LISTENER,
        chains(() => filters),
      ),
    ).toEqual(apart);
    expect(decode(LISTENER, apart)).toEqual(chains(() => filters));
  });

  test("is another thing under another field", () => {
    // Two lists of one message type, and one object for both.
    const headers = Array.from({ length: 5 }, (_, index) => ({ header: { key: `k${index}`, value: "v" } }));
    const host = { name: "h", domains: ["*"], requestHeadersToAdd: headers, responseHeadersToAdd: headers };
    const message = { name: "r", virtualHosts: [host, { ...host, name: "i" }, { ...host, name: "j" }] };
    const bytes = encode("envoy.config.route.v3.RouteConfiguration", message);
    expect(decode("envoy.config.route.v3.RouteConfiguration", bytes)).toEqual(message);
  });

  test("is read again for the next message", () => {
    const shared = filter();
    const message = { filterChains: [{ filters: [shared] }, { filters: [shared] }, { filters: [shared] }] };
    encode(LISTENER, message);
    shared.typedConfig.cluster = "d";
    expect(decode(LISTENER, encode(LISTENER, message))).toEqual(message);
  });
});

test("parts that were written before give the same bytes, among others too", () => {
  const ROUTES = "envoy.config.route.v3.RouteConfiguration";
  const host = (name: string) => ({
    name,
    domains: [name],
    routes: [{ match: { prefix: "/" }, name: "x".repeat(200) }],
  });
  const hosts = ["a", "b", "c", "d", "e"].map(host);
  const before = { name: "8080", virtualHosts: hosts };
  expect(encodeImmutable(ROUTES, before)).toEqual(encode(ROUTES, before));
  const after = { name: "8080", virtualHosts: [host("other"), ...hosts.slice(1)] };
  expect(encodeImmutable(ROUTES, after)).toEqual(encode(ROUTES, after));
});

test("an error leaves nothing behind", () => {
  const before = encode(LISTENER, { name: "a" });
  expect(() => encode(LISTENER, { name: "a", filterChains: [{ filters: [{ name: 1 }] }] } as never)).toThrow(
    "filterChains[0].filters[0].name: expected a string",
  );
  expect(encode(LISTENER, { name: "a" })).toEqual(before);
});

describe("the writer agrees with protobufjs", () => {
  const bits = (low: number, high: number, unsigned = false) => ({ low, high, unsigned });
  const both = (write: (writer: ByteWriter | protobuf.Writer) => unknown) => {
    const [mine, theirs] = [new ByteWriter(), protobuf.Writer.create()];
    write(mine);
    write(theirs);
    expect(Buffer.compare(mine.finish(), theirs.finish())).toBe(0);
  };

  test.each([0, 1, 127, 128, 300, 16_383, 16_384, 2 ** 21, 2 ** 28, 2 ** 31 - 1])("32 bits: %d", (value) => {
    both((writer) => writer.uint32(value).int32(value).int32(-value).sint32(-value).fixed32(value).sfixed32(-value));
  });

  test.each([
    [0, 0],
    [1, 0],
    [-1, -1],
    [-128, -1],
    [0, 1],
    [-1, 0],
    [5, 0x7fffffff],
    [0, -2147483648],
  ])("64 bits: %d, %d", (low, high) => {
    const value = bits(low, high);
    both((writer) =>
      writer
        .int64(value)
        .sint64(value)
        .fixed64(value)
        .sfixed64(value)
        .uint64(bits(low, high, true)),
    );
  });

  test.each([0, 5, -5, 2 ** 32, -(2 ** 32), 315_576_000_000, -315_576_000_000])("a safe integer: %d", (value) => {
    both((writer) => writer.int64(value));
  });

  test.each(["", "a", "ä", "😀", "x".repeat(127), "x".repeat(128), "é".repeat(100), "x".repeat(70_000)])(
    "text %#",
    (text) => {
      both((writer) => writer.uint32(10).string(text).double(1.5).float(0.1).bool(true));
    },
  );

  test.each([0, 127, 128, 16_383, 16_384, 3_000_000])("a block of %d bytes within blocks", (size) => {
    both((writer) => writer.fork().fork().bytes(new Uint8Array(size).fill(7)).ldelim().uint32(1).ldelim());
  });
});
