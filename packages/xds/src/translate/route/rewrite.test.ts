import { expect, test } from "vitest";
import { pathRewrite } from "./rewrite.ts";

test.each([
  [{}, {}],
  [{ authority: "a" }, {}],
  [{ uri: "/b" }, { prefixRewrite: "/b" }],
  [
    { uri: "/b", uriRegexRewrite: { match: "^/a/(.*)", rewrite: "/\\1" } },
    { regexRewrite: { pattern: { regex: "^/a/(.*)" }, substitution: "/\\1" } },
  ],
])("%j", (rewrite, expected) => {
  expect(pathRewrite(rewrite, { prefix: "/a" }, false)).toEqual(expected);
});

test("removing a prefix of path segments takes its slash too", () => {
  expect(pathRewrite({ uri: "/" }, { pathSeparatedPrefix: "/a.b" }, true)).toEqual({
    regexRewrite: { pattern: { regex: "^/a\\.b(/?)(.*)" }, substitution: "/\\2" },
  });
});
