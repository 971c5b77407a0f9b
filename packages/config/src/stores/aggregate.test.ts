import type { Change } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { destinationRule } from "../builders.ts";
import type { ConfigObject } from "../object.ts";
import { storeContract } from "../testing/contract.ts";
import { aggregateStore } from "./aggregate.ts";
import { textStore } from "./documents.ts";
import { memoryStore } from "./memory.ts";

const text =
  "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: a }\nspec: { host: low.com }\n";
const ref = { kind: "DestinationRule", namespace: "default", name: "a" };
const KEY = "DestinationRule/default/a";

it("gives precedence to the first store, and falls back", async () => {
  const high = memoryStore();
  const low = textStore({ "low.yaml": text });
  const both = aggregateStore([high, low]);
  await both.ready;
  const seen: (readonly Change<ConfigObject>[])[] = [];
  both.subscribe((changes) => seen.push(changes));
  expect(both.get(KEY)?.spec).toEqual({ host: "low.com" });
  expect(both.locate(ref, "spec.host")).toEqual({ file: "low.yaml", line: 4, column: 9 });

  high.put(destinationRule("a", { host: "high.com" }));
  expect(both.get(KEY)?.spec).toEqual({ host: "high.com" });
  expect(both.locate(ref, "spec.host")).toBeUndefined();
  expect(both.diagnostics().map(({ code, position }) => [code, position?.line])).toEqual([["duplicate-object", 1]]);

  low.set({ "low.yaml": text.replace("low.com", "lower.com") });
  high.delete(ref);
  expect(both.get(KEY)?.spec).toEqual({ host: "lower.com" });
  expect(both.diagnostics()).toEqual([]);
  expect(seen.map((changes) => changes.map(({ value }) => value?.spec))).toEqual([
    [{ host: "high.com" }],
    [{ host: "lower.com" }],
  ]);
  both.close();
  low.set({ "low.yaml": undefined });
  expect(seen).toHaveLength(2);
});

storeContract({ describe, it }, "aggregateStore", () => {
  const store = aggregateStore([textStore({ "high.yaml": text }), memoryStore(), memoryStore()]);
  return { store, stop: () => store.close() };
});

it("writes where the object is, and new ones into the first store that can be written", async () => {
  const [first, second] = [memoryStore(), memoryStore([destinationRule("b", { host: "b.com" })])];
  using both = aggregateStore([textStore({ "high.yaml": text }), first, second]);
  const b = destinationRule("b", { host: "new.com" });
  await both.transact([{ put: b }]);
  await both.transact([{ put: destinationRule("c", { host: "c.com" }) }]);
  expect([[...first.keys()], second.get("DestinationRule/default/b")?.spec]).toEqual([
    ["DestinationRule/default/c"],
    { host: "new.com" },
  ]);
  const a = destinationRule("a", { host: "a.com" });
  await expect(both.transact([{ put: a }])).rejects.toThrow(/DestinationRule default\/a is in a store that cannot be/);
  await expect(both.transact([{ put: b }, { delete: { ...ref, name: "c" } }])).rejects.toThrow(/several stores/);
});
