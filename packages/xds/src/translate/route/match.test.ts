import type { HttpMatch } from "@fairlead/config";
import { describe, expect, test } from "vitest";
import type { RouteMatch } from "../../proto/types.ts";
import { isCatchAll, routeMatch } from "./match.ts";

const ANY = { prefix: "/", caseSensitive: true };

describe("routeMatch", () => {
  const cases: readonly (readonly [string, HttpMatch, RouteMatch])[] = [
    ["nothing", {}, ANY],
    ["exact path", { uri: { exact: "/a" } }, { path: "/a", caseSensitive: true }],
    ["prefix", { uri: { prefix: "/a" } }, { prefix: "/a", caseSensitive: true }],
    ["regex", { uri: { regex: "/a.*" } }, { safeRegex: { regex: "/a.*" }, caseSensitive: true }],
    ["case", { uri: { prefix: "/a" }, ignoreUriCase: true }, { prefix: "/a", caseSensitive: false }],
    [
      "method, authority and scheme go behind headers by name",
      {
        scheme: { exact: "http" },
        method: { exact: "GET" },
        authority: { prefix: "a." },
        headers: { "x-b": { regex: "1+" }, "x-a": { prefix: "1" } },
      },
      {
        ...ANY,
        headers: [
          { name: "x-a", stringMatch: { prefix: "1" } },
          { name: "x-b", stringMatch: { safeRegex: { regex: "1+" } } },
          { name: ":method", stringMatch: { exact: "GET" } },
          { name: ":authority", stringMatch: { prefix: "a." } },
          { name: ":scheme", stringMatch: { exact: "http" } },
        ],
      },
    ],
    ["presence", { headers: { x: {} } }, { ...ANY, headers: [{ name: "x", presentMatch: true }] }],
    ["* is presence", { headers: { x: { regex: "*" } } }, { ...ANY, headers: [{ name: "x", presentMatch: true }] }],
    [
      "without",
      { withoutHeaders: { x: { exact: "1" } } },
      {
        ...ANY,
        headers: [{ name: "x", stringMatch: { exact: "1" }, invertMatch: true, treatMissingHeaderAsEmpty: true }],
      },
    ],
    [
      "absence",
      { withoutHeaders: { x: {} } },
      { ...ANY, headers: [{ name: "x", presentMatch: true, invertMatch: true }] },
    ],
    [
      "query parameters by name",
      { queryParams: { q: { exact: "1" }, p: {} } },
      {
        ...ANY,
        queryParameters: [
          { name: "p", presentMatch: true },
          { name: "q", stringMatch: { exact: "1" } },
        ],
      },
    ],
  ];
  test.each(cases)("%s", (_, match, expected) => {
    expect(routeMatch(match)).toEqual(expected);
  });

  test("path segments, as the Gateway API counts them", () => {
    expect(routeMatch({ uri: { prefix: "/a/" } }, true)).toMatchObject({ pathSeparatedPrefix: "/a" });
    expect(routeMatch({ uri: { prefix: "/" } }, true)).toEqual(ANY);
  });

  const claim = (value: object) => ({
    filter: "envoy.filters.http.jwt_authn",
    value: { orMatch: { valueMatchers: [{ listMatch: { oneOf: value } }, value] } },
  });
  test.each([
    ["@request.auth.claims.group.id", ["payload", "group", "id"]],
    ["@request.auth.claims[group][a.b]", ["payload", "group", "a.b"]],
    ["@REQUEST.auth.claims[sub]", ["payload", "sub"]],
  ])("claim %s", (header, path) => {
    const made = routeMatch({ headers: { [header]: { exact: "x" } } });
    expect(made.headers).toBeUndefined();
    expect(made.dynamicMetadata).toEqual([
      { ...claim({ stringMatch: { exact: "x" } }), path: path.map((key) => ({ key })) },
    ]);
  });

  test("a claim that must not be there", () => {
    const made = routeMatch({ withoutHeaders: { "@request.auth.claims.admin": {} } });
    expect(made.dynamicMetadata).toMatchObject([{ ...claim({ presentMatch: true }), invert: true }]);
  });

  test.each(["@request.auth.claims", "@request.auth.claims.", "@request.auth.claims[a", "x-claims"])(
    "%s is a header like any other",
    (name) => {
      expect(routeMatch({ headers: { [name]: { exact: "x" } } }).headers).toHaveLength(1);
    },
  );
});

test.each<[RouteMatch, boolean]>([
  [{ prefix: "/" }, true],
  [{ safeRegex: { regex: ".*" } }, true],
  [{ prefix: "/a" }, false],
  [{ path: "/" }, false],
  [{ prefix: "/", headers: [{ name: "x", presentMatch: true }] }, false],
  [{ prefix: "/", queryParameters: [{ name: "x", presentMatch: true }] }, false],
  [{ prefix: "/", dynamicMetadata: [{}] }, false],
])("isCatchAll(%j) is %s", (match, expected) => {
  expect(isCatchAll(match)).toBe(expected);
});
