import { objectKey } from "@fairlead/model";
import fc from "fast-check";
import { expect } from "vitest";
import {
  ConfigError,
  configHistory,
  destinationRule,
  refOf,
  type StoreEdit,
  type WritableStore,
} from "../src/index.ts";

/** An edit before it is known what is stored: which object, and what it expects of it. */
interface Intent {
  readonly does: "put" | "delete" | "status";
  readonly name: string;
  readonly value: string;
  readonly expects: "nothing" | "current" | "old" | "none";
}

const intent: fc.Arbitrary<Intent> = fc.record({
  does: fc.constantFrom("put", "put", "delete", "status"),
  name: fc.constantFrom("a", "b", "c"),
  value: fc.constantFrom("one.com", "two.com", "bad host"),
  expects: fc.constantFrom("nothing", "nothing", "current", "old", "none"),
});

/** Steps, each one transaction or going back to an earlier version (counted from the newest, 0). */
export const steps: fc.Arbitrary<(Intent[] | number)[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.array(intent, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.nat(3) },
  ),
  { minLength: 1, maxLength: 12 },
);

interface Held {
  readonly host: string;
  readonly status: unknown;
}

type Contents = ReadonlyMap<string, Held>;

const refTo = (name: string) => ({ kind: "DestinationRule", namespace: "shop", name });

/** What the edits make of `before`, or the code of the error. Written apart from the stores, from what they promise. */
function predict(before: Contents, intents: readonly Intent[]): Contents | string {
  const after = new Map(before);
  let missing = false;
  let invalid = false;
  for (const { does, name, value, expects } of intents) {
    const there = before.has(name);
    if (expects === "old" || (expects === "current" && !there) || (expects === "none" && does === "put" && there))
      return "CONFLICT";
    const now = after.get(name);
    if (does === "delete") after.delete(name);
    else if (does === "status" && now === undefined) missing = true;
    else if (does === "status" && now) after.set(name, { ...now, status: value });
    else if (does === "put") after.set(name, { host: value, status: now?.status });
    invalid ||= does === "put" && value === "bad host";
  }
  if (missing) return "NOT_FOUND";
  return invalid ? "INVALID_OBJECT" : after;
}

function editOf({ does, name, value, expects }: Intent, store: WritableStore): StoreEdit {
  const current = store.stored(refTo(name))?.revision ?? "gone";
  const expect = { nothing: {}, current: { expect: current }, old: { expect: "no such revision" }, none: {} }[expects];
  if (does === "delete") return { delete: refTo(name), ...expect };
  if (does === "status") return { status: refTo(name), value, ...expect };
  const put = destinationRule({ name, namespace: "shop" }, { host: value });
  return expects === "none" ? { put, expect: null } : { put, ...expect };
}

export function contentsOf(store: WritableStore): Contents {
  const contents = new Map<string, Held>();
  for (const name of ["a", "b", "c"]) {
    const stored = store.stored(refTo(name))?.object;
    const inForce = store.get(objectKey(refTo(name)));
    expect(inForce?.spec).toEqual(stored?.spec);
    if (stored) contents.set(name, { host: (stored.spec as { host: string }).host, status: stored.status });
  }
  return contents;
}

/** Runs steps against a store and the model; listeners must be able to keep a copy. */
export async function holds(store: WritableStore, steps: readonly (readonly Intent[] | number)[]): Promise<void> {
  await store.ready;
  using history = configHistory(store);
  const copy = new Map([...store.values()].map((object) => [objectKey(refOf(object)), object]));
  const stop = store.subscribe((changes) => {
    for (const { key, value } of changes)
      if (value) copy.set(key, value);
      else copy.delete(key);
  });
  let model: Contents = new Map();
  const hosts: string[] = [""];
  const written = (contents: Contents) =>
    [...contents]
      .map(([name, { host }]) => `${name}=${host}`)
      .sort()
      .join();
  for (const one of steps) {
    const before = new Map(["a", "b", "c"].map((name) => [name, store.stored(refTo(name))?.revision]));
    if (typeof one === "number") {
      const version = Math.max(0, history.version - one);
      await history.rollback(version);
      expect(written(contentsOf(store))).toBe(hosts[version]);
      model = contentsOf(store);
    } else {
      const expected = predict(model, one);
      const code = await store
        .transact(one.map((each) => editOf(each, store)))
        .then(() => undefined)
        .catch((error: unknown) => (error instanceof ConfigError ? error.code : error));
      if (typeof expected === "string") {
        expect(code).toBe(expected);
        for (const [name, revision] of before) expect(store.stored(refTo(name))?.revision).toBe(revision);
      } else {
        expect(code).toBeUndefined();
        for (const [name, revision] of before) {
          // A status alone need not make a revision: in etcd it has a key of its own.
          const changed = model.get(name)?.host !== expected.get(name)?.host;
          if (changed) expect(store.stored(refTo(name))?.revision).not.toBe(revision);
        }
        model = expected;
      }
    }
    expect(contentsOf(store)).toEqual(model);
    expect([...copy.keys()].sort()).toEqual([...store.keys()].sort());
    for (const [key, object] of copy) expect(store.get(key)).toBe(object);
    hosts[history.version] = written(model);
  }
  stop();
}
