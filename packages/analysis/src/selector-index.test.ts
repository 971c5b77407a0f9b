import fc from "fast-check";
import { expect, it } from "vitest";
import { selects } from "./selector.ts";
import { SelectorIndex } from "./selector-index.ts";

it("selects what holding the selector against each would", () => {
  const labels = fc.dictionary(fc.constantFrom("app", "version", "a=b"), fc.constantFrom("x", "y", "b=x"));
  fc.assert(
    fc.property(fc.array(labels), labels, (items, wanted) => {
      const index = new SelectorIndex(items.map((item, at) => [at, item] as const));
      const expected = [...items.keys()].filter((at) => selects(wanted, items[at] ?? {}));
      expect([...index.selected(wanted)]).toEqual(expected);
      expect(index.selectsAny(wanted)).toBe(expected.length > 0);
    }),
  );
});
