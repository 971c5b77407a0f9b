import fc from "fast-check";
import { expect, it } from "vitest";
import { formatPath, parsePath } from "./path.ts";

it("writes a path as one would point at a field", () => {
  expect(formatPath(["spec", "http", 0, "match", 1, "headers", "x.y"])).toBe('spec.http[0].match[1].headers["x.y"]');
});

it("reads back what it writes", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat())), (path) => {
      expect(parsePath(formatPath(path))).toEqual(path);
    }),
  );
});

it.each(["a..b", "[x]", "a b"])("knows that %j is no path", (text) => expect(parsePath(text)).toBeUndefined());
