import type { CorsPolicy } from "@fairlead/config";
import { expect, test } from "vitest";
import type { HttpCorsPolicy } from "../../proto/types.ts";
import { corsPolicy } from "./cors.ts";

const base = { forwardNotMatchingPreflights: true, filterEnabled: { defaultValue: { numerator: 100 } } };

test.each<[string, CorsPolicy, HttpCorsPolicy]>([
  ["nothing", {}, base],
  [
    "origins",
    { allowOrigins: [{ exact: "https://a" }, { regex: "https://.*" }] },
    { ...base, allowOriginStringMatch: [{ exact: "https://a" }, { safeRegex: { regex: "https://.*" } }] },
  ],
  ["former origins", { allowOrigin: ["https://a"] }, { ...base, allowOriginStringMatch: [{ exact: "https://a" }] }],
  [
    "the newer field wins",
    { allowOrigin: ["https://a"], allowOrigins: [{ prefix: "https://b" }] },
    { ...base, allowOriginStringMatch: [{ prefix: "https://b" }] },
  ],
  [
    "lists",
    { allowMethods: ["GET", "PUT"], allowHeaders: ["x-a", "x-b"], exposeHeaders: ["x-c"] },
    { ...base, allowMethods: "GET,PUT", allowHeaders: "x-a,x-b", exposeHeaders: "x-c" },
  ],
  ["age in whole seconds", { maxAge: "1m1.5s" }, { ...base, maxAge: "61" }],
  ["credentials", { allowCredentials: false }, { ...base, allowCredentials: false }],
  ["preflights", { unmatchedPreflights: "IGNORE" }, { ...base, forwardNotMatchingPreflights: false }],
])("%s", (_, cors, expected) => {
  expect(corsPolicy(cors)).toEqual(expected);
});
