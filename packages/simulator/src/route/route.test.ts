import { describe, expect, test } from "vitest";
import type { RedirectAction } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import { mutate, mutations } from "./header-mutation.ts";
import { shareOf, tidy } from "./random.ts";
import { redirectLocation, rewritePath } from "./rewrite.ts";
import { compileRoute } from "./route-match.ts";
import { selectRoutes } from "./select.ts";
import { findVirtualHost, indexVirtualHosts, withoutPort } from "./virtual-host.ts";

function request(path: string, headers: Record<string, string> = {}): HttpSubject {
  const connection = {
    destination: { address: "10.0.0.1", port: 80 },
    source: { address: "10.0.0.2", port: 1 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: "http/1.1",
  } as const;
  const all = new Map([
    [":path", path],
    [":authority", "example.com"],
    [":scheme", "http"],
    ...Object.entries(headers),
  ]);
  return { connection, path, pathname: path.replace(/\?.*/, ""), headers: all, metadata: new Map() };
}

describe("virtual hosts", () => {
  const host = (name: string, ...domains: string[]) => ({ name, domains });
  const index = indexVirtualHosts({
    virtualHosts: [
      host("any", "*"),
      host("suffix", "*.example.com"),
      host("longer suffix", "*.b.example.com"),
      host("prefix", "www.*"),
      host("exact", "www.example.com", "WWW.EXAMPLE.COM:8080"),
    ],
  });
  test.each([
    ["www.example.com", "exact"],
    ["WWW.Example.com", "exact"],
    ["www.example.com:8080", "exact"],
    ["a.example.com", "suffix"],
    ["a.b.example.com", "longer suffix"],
    ["b.example.com", "suffix"],
    [".example.com", "any"],
    ["www.org", "prefix"],
    ["other.org", "any"],
  ])("%s belongs to %s", (authority, name) => {
    expect(findVirtualHost(index, authority)?.host.name).toBe(name);
  });

  test("ports come off, brackets stay", () => {
    expect(["a:80", "[::1]:80", "[::1]", "a"].map(withoutPort)).toEqual(["a", "[::1]", "[::1]", "a"]);
  });
});

describe("shares", () => {
  const weighted = (...weights: number[]) => ({
    weightedClusters: { clusters: weights.map((weight, index) => ({ name: String(index), weight })) },
  });
  const shares = (host: Parameters<typeof selectRoutes>[0]) =>
    selectRoutes(host, request("/")).map(({ share, weighted: cluster, compiled }) => [
      cluster?.name ?? compiled?.route.name ?? "none",
      tidy(share),
    ]);

  test("weights need not add up to a hundred", () => {
    expect(shares({ routes: [{ match: { prefix: "/" }, route: weighted(1, 2) }] })).toEqual([
      ["0", tidy(1 / 3)],
      ["1", tidy(2 / 3)],
    ]);
  });

  test("one random number decides on the fraction and on the cluster within", () => {
    const half = { runtimeFraction: { defaultValue: { numerator: 50 } } };
    const routes = [
      { match: { prefix: "/", ...half }, route: weighted(50, 50) },
      { name: "rest", match: { prefix: "/" }, route: { cluster: "x" } },
    ];
    expect(shares({ routes })).toEqual([
      ["0", 0.5],
      ["rest", 0.5],
    ]);
  });

  test("what no route takes is left over", () => {
    const match = {
      prefix: "/",
      runtimeFraction: { defaultValue: { numerator: 1, denominator: "TEN_THOUSAND" as const } },
    };
    expect(shares({ name: "h", routes: [{ name: "rare", match, route: { cluster: "x" } }] })).toEqual([
      ["rare", 0.0001],
      ["none", 0.9999],
    ]);
  });

  test("draws of different moduli", () => {
    expect(
      shareOf([
        { modulus: 4, from: 0, to: 2 },
        { modulus: 6, from: 0, to: 3 },
      ]),
    ).toBe(3 / 12);
  });
});

describe("redirects", () => {
  const rows: [RedirectAction, string, Record<string, string>, string][] = [
    [{ httpsRedirect: true }, "/a?b=c", {}, "https://example.com/a?b=c"],
    [{ httpsRedirect: true }, "/", { ":authority": "example.com:80" }, "https://example.com/"],
    [{ httpsRedirect: true }, "/", { ":authority": "example.com:8080" }, "https://example.com:8080/"],
    [{ hostRedirect: "new.org", portRedirect: 8080 }, "/a", {}, "http://new.org:8080/a"],
    [{ portRedirect: 81 }, "/", { ":authority": "example.com:8080" }, "http://example.com:81/"],
    [{ pathRedirect: "/new" }, "/old?a=b", {}, "http://example.com/new?a=b"],
    [{ pathRedirect: "/new?x" }, "/old?a=b", {}, "http://example.com/new?x"],
    [{ pathRedirect: "/new", stripQuery: true }, "/old?a=b", {}, "http://example.com/new"],
    [{ prefixRewrite: "/v2" }, "/old/x?a", {}, "http://example.com/v2/x?a"],
    [{ schemeRedirect: "https", stripQuery: true }, "/a?b", {}, "https://example.com/a"],
  ];
  test.each(rows)("%j of %s", (redirect, path, headers, location) => {
    expect(redirectLocation(compileRoute({ match: { prefix: "/old" } }), redirect, request(path, headers))).toBe(
      location,
    );
  });
});

test("a prefix rewrite replaces what matched", () => {
  const rewrite = (match: object, path: string) =>
    rewritePath(compileRoute({ match }), { prefixRewrite: "/n" }, request(path));
  expect(rewrite({ prefix: "/old" }, "/old/x?q")).toBe("/n/x?q");
  expect(rewrite({ path: "/old" }, "/old?q")).toBe("/n?q");
  expect(rewrite({ safeRegex: { regex: ".*" } }, "/old/x")).toBe("/n");
});

test("header changes: removals first, the least specific last", () => {
  const levels = [
    { requestHeadersToAdd: [{ header: { key: "x", value: "cluster" } }] },
    { requestHeadersToRemove: ["Y"], requestHeadersToAdd: [{ header: { key: "y", value: "%REQ(:path)%" } }] },
    {
      requestHeadersToAdd: [
        { header: { key: "x", value: "host" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const },
      ],
    },
  ];
  const after = mutate(
    new Map([
      ["y", "old"],
      [":path", "/p"],
    ]),
    mutations(levels, "request"),
  );
  expect(Object.fromEntries(after)).toEqual({ ":path": "/p", x: "host", y: "/p" });
  expect(mutate(after, mutations(levels, "request", true)).get("x")).toBe("host,cluster");
});
