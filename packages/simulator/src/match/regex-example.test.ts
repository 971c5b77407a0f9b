import { describe, expect, test } from "vitest";
import { regexExamples } from "./regex-example.ts";

describe("examples of an expression", () => {
  test.each([
    ["/a.*", "/a"],
    ["GET|PUT", "PUT"],
    ["/(api|a)/v\\d+.*", "/api/v1"],
    ["(?i)/A", "/A"],
    ["(?P<n>x{2,3})y?", "xxxy"],
    ["[^a-z]+", "Z"],
    ["[]a]b", "]b"],
    ["^/[[:alpha:]_]$", "/a"],
    ["^(.*?;)?(user=jason)(;.*)?$", "user=jason"],
    ["\\.well-known/\\w*", ".well-known/"],
    ["", ""],
  ])("%s", (pattern, one) => {
    expect(regexExamples(pattern)).toContain(one);
  });

  test("are few, of an expression with many", () => {
    const found = regexExamples("(a|b|c|d)(e|f|g|h)(i|j|k|l)[0-9]{3}");
    expect(found.length).toBeGreaterThan(3);
    expect(found.length).toBeLessThanOrEqual(8);
  });

  test("none is better than a wrong one", () => {
    expect(regexExamples("\\bx\\By")).not.toContain("x");
  });
});
