import { expect, test } from "vitest";
import { headerMatch, valueMatch } from "./string-match.ts";
import { expandTrustDomains, withTrustDomainAliases } from "./trust-domains.ts";

test.each([
  ["*", "", { safeRegex: { regex: ".+" } }],
  ["*.org", "", { suffix: ".org" }],
  ["/api*", "", { prefix: "/api" }],
  ["/api", "", { exact: "/api" }],
  ["*/sa/a.b", "spiffe://", { safeRegex: { regex: "spiffe://.*/sa/a\\.b" } }],
  ["td/ns/*", "spiffe://", { prefix: "spiffe://td/ns/" }],
])("%s with %j", (value, scheme, match) => {
  expect(valueMatch(value, scheme)).toEqual(match);
});

test("hosts are compared in any case", () => {
  expect(headerMatch(":authority", "A.example.com", true)).toEqual({
    name: ":authority",
    stringMatch: { exact: "A.example.com", ignoreCase: true },
  });
  expect(headerMatch("x", "*", false)).toEqual({ name: "x", presentMatch: true });
});

test.each([
  [["td1/ns/a/sa/b"], ["td1", "td2"], ["td1/ns/a/sa/b", "td2/ns/a/sa/b"]],
  [["cluster.local/ns/a/sa/b"], ["td1", "td2"], ["td1/ns/a/sa/b", "td2/ns/a/sa/b"]],
  [["other/ns/a/sa/b"], ["td1", "td2"], ["other/ns/a/sa/b"]],
  [["*/ns/a/sa/b"], ["td1", "td2"], ["*/ns/a/sa/b"]],
  [["*-td/ns/a/sa/b"], ["new-td", "some"], ["*-td/ns/a/sa/b", "some/ns/a/sa/b"]],
  [["sa/b"], ["td1"], ["sa/b"]],
])("%j among %j is %j", (principals, domains, expected) => {
  expect(withTrustDomainAliases(principals, domains)).toEqual(expected);
});

test("a trust domain of the mesh stands for all of them", () => {
  expect(expandTrustDomains(["td2", "x"], ["td1", "td2"])).toEqual(["td1", "td2", "x"]);
});
