import { describe, expect, it } from "vitest";
import { isCidr, isIpAddress, splitHostPort } from "./network.ts";

describe("isIpAddress", () => {
  it.each(["1.2.3.4", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1%eth0", "::ffff:1.2.3.4"])(
    "takes %s",
    (text) => expect(isIpAddress(text)).toBe(true),
  );
  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4 ",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "fe80::1%",
    "g::1",
  ])("refuses %j", (text) => expect(isIpAddress(text)).toBe(false));
});

describe("isCidr", () => {
  it.each(["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "0.0.0.0/0"])("takes %s", (text) =>
    expect(isCidr(text)).toBe(true),
  );
  it.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "::/129", "fe80::1%eth0/64"])("refuses %s", (text) =>
    expect(isCidr(text)).toBe(false),
  );
});

describe("splitHostPort", () => {
  it.each([
    ["a.b:80", "a.b", "80"],
    ["[::1]:80", "::1", "80"],
    [":80", "", "80"],
  ])("splits %s", (text, host, port) => expect(splitHostPort(text)).toEqual({ host, port }));
  it.each(["", "a", "::1", "::1:80", "[::1]"])("finds no port in %j", (text) =>
    expect(splitHostPort(text)).toHaveProperty("fault"),
  );
});
