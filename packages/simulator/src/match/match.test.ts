import { describe, expect, test } from "vitest";
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch, StringMatcher } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import { headerCondition } from "./header.ts";
import { pathTest } from "./path.ts";
import { queryCondition } from "./query.ts";
import { globalReplace } from "./regex.ts";
import { stringTest } from "./string-test.ts";
import { uriTemplate } from "./uri-template.ts";

function request(path: string, headers: Record<string, string> = {}): HttpSubject {
  const connection = {
    destination: { address: "10.0.0.1", port: 80 },
    source: { address: "10.0.0.2", port: 1 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: "http/1.1",
  } as const;
  const all = new Map([[":path", path], ...Object.entries(headers)]);
  return { connection, path, pathname: path.replace(/\?.*/, ""), headers: all, metadata: new Map() };
}

describe("string matchers", () => {
  const rows: [StringMatcher, string, boolean][] = [
    [{ exact: "a" }, "a", true],
    [{ exact: "a" }, "A", false],
    [{ exact: "a", ignoreCase: true }, "A", true],
    [{ prefix: "/api" }, "/api/v1", true],
    [{ suffix: ".com" }, "example.org", false],
    [{ contains: "b" }, "abc", true],
    [{ safeRegex: { regex: "a|ab" } }, "ab", true],
    [{ safeRegex: { regex: "b" } }, "ab", false],
    [{ safeRegex: { regex: "(?i)JASON" } }, "jason", true],
    [{ safeRegex: { regex: "A" }, ignoreCase: true }, "a", false],
  ];
  test.each(rows)("%j on %s: %s", (matcher, text, wanted) => {
    expect(stringTest(matcher).matches(text)).toBe(wanted);
  });

  test("a broken expression is said to be one", () => {
    expect(() => stringTest({ safeRegex: { regex: "(" } })).toThrow(/no RE2 expression/);
  });
});

describe("header matchers", () => {
  const rows: [HeaderMatcher, Record<string, string>, boolean][] = [
    [{ name: "X-A", stringMatch: { exact: "1" } }, { "x-a": "1" }, true],
    [{ name: "x-a", stringMatch: { exact: "1" } }, {}, false],
    [{ name: "x-a", presentMatch: true }, { "x-a": "" }, true],
    [{ name: "x-a", presentMatch: false }, { "x-a": "" }, false],
    [{ name: "x-a", presentMatch: true, invertMatch: true }, {}, true],
    // A missing header does not match, inverted or not, unless it counts as empty.
    [{ name: "x-a", stringMatch: { exact: "1" }, invertMatch: true }, {}, false],
    [{ name: "x-a", stringMatch: { exact: "1" }, invertMatch: true, treatMissingHeaderAsEmpty: true }, {}, true],
    [{ name: "x-a", stringMatch: { exact: "1" }, invertMatch: true }, { "x-a": "2" }, true],
    [{ name: "x-a", rangeMatch: { start: "-10", end: "0" } }, { "x-a": "-1" }, true],
    [{ name: "x-a", rangeMatch: { start: 0, end: 10 } }, { "x-a": "10" }, false],
    [{ name: "host", stringMatch: { exact: "a.b" } }, { ":authority": "a.b" }, true],
  ];
  test.each(rows)("%j on %j: %s", (matcher, headers, wanted) => {
    expect(headerCondition(matcher).matches(request("/", headers))).toBe(wanted);
  });
});

describe("query matchers", () => {
  const rows: [QueryParameterMatcher, string, boolean][] = [
    [{ name: "a", stringMatch: { exact: "1" } }, "/?a=1&a=2", true],
    [{ name: "a", stringMatch: { exact: "2" } }, "/?a=1&a=2", false],
    [{ name: "a", presentMatch: true }, "/?a", true],
    [{ name: "a" }, "/?b=1", false],
    [{ name: "a", stringMatch: { prefix: "" } }, "/", false],
  ];
  test.each(rows)("%j on %s: %s", (matcher, path, wanted) => {
    expect(queryCondition(matcher).matches(request(path))).toBe(wanted);
  });
});

describe("path specifiers", () => {
  const rows: [RouteMatch, string, boolean][] = [
    [{ prefix: "/" }, "/x", true],
    [{ prefix: "/API", caseSensitive: false }, "/api/x", true],
    [{ path: "/a" }, "/a/", false],
    [{ pathSeparatedPrefix: "/api" }, "/api", true],
    [{ pathSeparatedPrefix: "/api" }, "/api/v1", true],
    [{ pathSeparatedPrefix: "/api" }, "/apiary", false],
    [{ safeRegex: { regex: "/(a|b)/.*" } }, "/b/c", true],
    [{ safeRegex: { regex: "/a" } }, "/a/b", false],
  ];
  test.each(rows)("%j on %s: %s", (match, path, wanted) => {
    expect(pathTest(match)?.matches(path)).toBe(wanted);
  });

  test("CONNECT has no path", () => {
    expect(pathTest({ connectMatcher: {} })).toBeUndefined();
  });
});

test("URI templates match segments and rests", () => {
  expect(uriTemplate("/a/{*}/c").matches("/a/b/c")).toBe(true);
  expect(uriTemplate("/a/{*}/c").matches("/a/b/b/c")).toBe(false);
  expect(uriTemplate("/a/{**}").matches("/a/b/b/c")).toBe(true);
  expect(uriTemplate("/a/{name=*}.txt").matches("/a/b.txt")).toBe(true);
});

test("regex rewrites know groups, the whole match and dollars", () => {
  expect(globalReplace("/service/foo/v1", "^/service/([^/]+)(/.*)$", "\\2/instance/\\1")).toBe("/v1/instance/foo");
  expect(globalReplace("a$b", "a", "\\0$x\\\\")).toBe("a$x\\$b");
});
