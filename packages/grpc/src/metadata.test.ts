import { expect, it } from "vitest";
import { parseTimeout } from "./deadline.ts";
import { binaryValues, headerValues, trailersOf } from "./metadata.ts";

it("gives all values of a header, in order", () => {
  const raw = ["a", "1", "b", "x", "a", "2"];
  expect(headerValues(raw, "A")).toEqual(["1", "2"]);
  expect(headerValues(raw, "c")).toEqual([]);
});

it("reads base64 with and without padding, several in one header", () => {
  expect(binaryValues(["k-bin", "aGk=,aG8", "k-bin", ""], "k-bin").map(String)).toEqual(["hi", "ho", ""]);
});

it("writes a status, its message percent-encoded", () => {
  expect(trailersOf({ code: 0 })).toEqual({ "grpc-status": "0" });
  expect(trailersOf({ code: 5, details: "100 % of ü\n" })).toEqual({
    "grpc-status": "5",
    "grpc-message": "100 %25 of %C3%BC%0A",
  });
  expect(trailersOf({ code: Number.NaN, details: "x".repeat(100_000) })).toEqual({
    "grpc-status": "2",
    "grpc-message": "x".repeat(4_000),
  });
});

it("writes metadata, and leaves out what no client could read", () => {
  const metadata = {
    "x-text": "a b",
    "x-bin": Buffer.from([0, 255]),
    X: "1",
    "grpc-status": "0",
    "y-bin": "text",
    z: "\n",
  };
  expect(trailersOf({ code: 1, metadata })).toEqual({ "grpc-status": "1", "x-text": "a b", "x-bin": "AP8=" });
});

it.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["4m", 4],
  ["1u", 1],
  ["99999999n", 100],
  ["99999999H", 2 ** 31 - 1],
  ["0S", 0],
])("grpc-timeout %s is %d ms", (text, milliseconds) => {
  expect(parseTimeout(text)).toBe(milliseconds);
});

it.each(["", "1", "S", "-1S", "1.5S", "123456789S", "1s", "1 S"])("grpc-timeout %j is malformed", (text) => {
  expect(() => parseTimeout(text)).toThrow(expect.objectContaining({ code: 13 }));
});
