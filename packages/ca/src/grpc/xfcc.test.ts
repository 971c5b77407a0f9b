import { expect, test } from "vitest";
import { xfcc } from "./xfcc.ts";

const check = xfcc({ trustedCidrs: ["10.1.0.0/16", "fd00::/8"] });
const ask = (header: string | readonly string[], peer = "10.1.2.3:4000") =>
  check.authenticate({
    peer,
    certificate: undefined,
    metadata: () => (typeof header === "string" ? [header] : header),
  });
const uri = "spiffe://cluster.local/ns/a/sa/b";

test("one element of a trusted proxy", () => {
  for (const header of [
    `URI=${uri}`,
    `By=spiffe://x/y;Hash=abc;Subject="CN=a,O=\\"b;c";URI=${uri}`,
    ` Hash=a ; URI="${uri}" `,
  ])
    expect(ask(header)).toMatchObject({ identity: { uri } });
  expect(ask(`URI=${uri}`, "[fd00::1]:4000")).toMatchObject({ identity: { uri } });
  expect(ask(`URI=${uri}`, "[::ffff:10.1.9.9]:4000")).toMatchObject({ identity: { uri } });
  expect(ask([])).toBeUndefined();
});

test.each<[string, string | readonly string[], string]>([
  ["an untrusted address", `URI=${uri}`, "10.2.0.1:1"],
  ["loopback, which nobody named", `URI=${uri}`, "127.0.0.1:1"],
  ["an untrusted IPv4 address in IPv6 clothes", `URI=${uri}`, "[::ffff:10.2.0.1]:1"],
  ["a Unix socket", `URI=${uri}`, "unix"],
  ["two elements", `URI=${uri},URI=${uri}`, "10.1.0.1:1"],
  ["two elements, one for show", `URI=${uri},Hash=a`, "10.1.0.1:1"],
  ["two headers", [`URI=${uri}`, `URI=${uri}`], "10.1.0.1:1"],
  ["two URIs", `URI=${uri};URI=spiffe://cluster.local/x`, "10.1.0.1:1"],
  ["only a subject", `Subject="CN=${uri}"`, "10.1.0.1:1"],
  ["only a DNS name", "DNS=a.b", "10.1.0.1:1"],
  ["a URI within quotes of another", `Subject="URI=${uri}"`, "10.1.0.1:1"],
  ["a quote that does not end", `Subject="a;URI=${uri}`, "10.1.0.1:1"],
  ["a URI with a comma", `URI="${uri},evil.com"`, "10.1.0.1:1"],
  ["no pairs", "garbage", "10.1.0.1:1"],
  ["an empty header", "", "10.1.0.1:1"],
  ["a header of 10 kB", `URI=${uri};Subject="${"x".repeat(10_000)}"`, "10.1.0.1:1"],
])("row 44: %s", (_what, header, peer) => {
  expect(() => ask(header, peer)).toThrow();
});

test("ranges that are none", () => {
  for (const cidr of ["", "10.0.0.0", "10.0.0.0/33", "x/8", "::/129"])
    expect(() => xfcc({ trustedCidrs: [cidr] })).toThrow("OPTION_INVALID");
});
