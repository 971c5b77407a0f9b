import fc from "fast-check";
import { messageInfo, type Schema } from "../src/index.ts";

/** Values of the right shape for a schema: types and names of enum values are right, the meaning need not be. */
export function shaped(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const info = messageInfo(schema);
  if (info) {
    const fields = Object.entries(info.fields).map(([name, { presence, schema: field }]) => {
      const value = depth > 3 && presence !== "required" ? fc.constant(undefined) : shaped(field, depth + 1);
      return [name, presence === "required" ? value : fc.option(value, { nil: undefined, freq: depth + 2 })] as const;
    });
    return fc.record(Object.fromEntries(fields)).map((value) => withoutUndefined(value, info.oneofs));
  }
  const def = schema._zod.def as { type: string; element?: Schema; valueType?: Schema; entries?: object };
  if (def.element) return fc.array(shaped(def.element, depth + 1), { maxLength: 2 });
  if (def.valueType) return fc.dictionary(key, shaped(def.valueType, depth + 1), { maxKeys: 2 });
  if (def.entries) return fc.constantFrom(...Object.keys(def.entries));
  if (def.type === "boolean") return fc.boolean();
  if (def.type === "number") return fc.constantFrom(0, 1, 2, 80, 100, 443, 8080, 65535);
  if (def.type === "custom")
    return fc.dictionary(key, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)));
  return text;
}

const key = fc
  .oneof(fc.constantFrom("a", "x-b", "yes", "on", "1", "0644", "~"), fc.string({ minLength: 1 }))
  .filter((name) => !["__proto__", "constructor", "prototype"].includes(name));

const text = fc.oneof(
  fc.constantFrom(
    "a",
    "a.com",
    "*.b.com",
    "5s",
    "1h",
    "yes",
    "no",
    "null",
    "~",
    "0644",
    "1e3",
    "- a",
    "a: b",
    "#c",
    "%d",
    "10.0.0.1",
    "ns/x",
  ),
  fc.string(),
  fc.string({ unit: "grapheme" }),
);

function withoutUndefined(value: Readonly<Record<string, unknown>>, oneofs: readonly (readonly string[])[]) {
  const kept = { ...value };
  for (const group of oneofs)
    for (const name of group.filter((name) => kept[name] !== undefined).slice(1)) delete kept[name];
  return Object.fromEntries(Object.entries(kept).filter(([, item]) => item !== undefined));
}
