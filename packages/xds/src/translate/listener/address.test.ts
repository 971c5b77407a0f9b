import { expect, test } from "vitest";
import { addressFamily, cidrRange, isIpAddress, listenAddress, maskedCidr } from "./address.ts";

test.each([
  ["10.1.2.3", { addressPrefix: "10.1.2.3", prefixLen: 32 }],
  ["10.1.0.0/16", { addressPrefix: "10.1.0.0", prefixLen: 16 }],
  ["2001:db8::1", { addressPrefix: "2001:db8::1", prefixLen: 128 }],
  ["2001:db8::/32", { addressPrefix: "2001:db8::", prefixLen: 32 }],
  ["example.com", undefined],
  ["10.0.0.0/x", undefined],
])("the range of %s", (text, range) => {
  expect(cidrRange(text)).toEqual(range);
});

test.each([
  ["1.2.3.4/8", "1.0.0.0/8"],
  ["1.5.6.7/8", "1.0.0.0/8"],
  ["10.1.130.7/20", "10.1.128.0/20"],
  ["10.1.2.3", "10.1.2.3/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:db8:ffff::1/33", "2001:db8:8000:0:0:0:0:0/33"],
  ["::ffff:1.2.3.4", "0:0:0:0:0:ffff:102:304/128"],
])("%s masked is %s", (text, masked) => {
  expect(maskedCidr(text)).toBe(masked);
});

test.each([
  [["10.0.0.1"], "IPv4"],
  [["2001:db8::1"], "IPv6"],
  [["10.0.0.1", "2001:db8::1"], "Dual"],
  [[], "IPv4"],
] as const)("%j is %s", (addresses, family) => {
  expect(addressFamily(addresses)).toBe(family);
});

test("names are no addresses", () => {
  expect(isIpAddress("10.0.0.1")).toBe(true);
  expect(isIpAddress("fe80::1")).toBe(true);
  expect(isIpAddress("10.0.0.1/8")).toBe(false);
  expect(isIpAddress("db.example.com")).toBe(false);
});

test("without a port an address is a Unix socket", () => {
  expect(listenAddress("unix:///var/run/app.sock", 0)).toEqual({ pipe: { path: "/var/run/app.sock" } });
  expect(listenAddress("0.0.0.0", 80)).toEqual({ socketAddress: { address: "0.0.0.0", portValue: 80 } });
});
