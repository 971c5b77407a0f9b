import { type Change, type ObjectRef, objectKey, structurallyEqual } from "@fairlead/model";
import { destinationRule } from "../builders.ts";
import { ConfigError } from "../common/config-error.ts";
import { type ConfigObject, refOf } from "../object.ts";
import { configHistory } from "../stores/history.ts";
import type { StoreEdit, WritableStore } from "../stores/store.ts";

/** The part of a test framework that the contract needs; those of vitest, jest, mocha and node:test fit. */
export interface TestFramework {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** A store under test, empty in the namespace `shop`. */
export interface StoreHarness {
  readonly store: WritableStore;
  /** A second store over the same source of truth, where there can be one: what one writes the other sees. */
  readonly peer?: WritableStore;
  /** Whether a transaction may name several objects; false for sources that write one object at a time. Default: true. */
  readonly transactions?: boolean;
  /** Whether the source counts generations of a spec; files do not. Default: true. */
  readonly generations?: boolean;
  /** Closes the stores and removes what they wrote. */
  stop?(): Promise<void> | void;
}

/** Longest time, in milliseconds, that a write may take to be seen. */
const PATIENCE = 10_000;

/** What every writable store must do, as tests of `framework`. `create` is called for each test. */
export function storeContract(
  framework: TestFramework,
  name: string,
  create: () => Promise<StoreHarness> | StoreHarness,
): void {
  const run = (title: string, body: (harness: StoreHarness) => Promise<void>) =>
    framework.it(title, async () => {
      const harness = await create();
      try {
        await harness.store.ready;
        await harness.peer?.ready;
        await body(harness);
      } finally {
        await harness.stop?.();
      }
    });
  framework.describe(`${name} keeps the store contract`, () => {
    run("writes, reads back, and tells its listeners", async ({ store }) => {
      const seen: Change<ConfigObject>[] = [];
      const stop = store.subscribe((changes) => seen.push(...changes));
      await store.transact([{ put: rule("a", "a.com") }]);
      assert(hostOf(store, "a") === "a.com", "the object is readable when the write resolves");
      await eventually("the listener hears of it", () => seen.length === 1);
      await store.transact([{ put: rule("a", "b.com") }]);
      await store.transact([{ delete: refTo("a") }]);
      assert(store.get(KEY("a")) === undefined, "a deleted object is gone");
      assert(store.stored(refTo("a")) === undefined, "nothing is stored of a deleted object");
      equal(
        seen.map(({ value, previous }) => [host(previous), host(value)]),
        [
          [undefined, "a.com"],
          ["a.com", "b.com"],
          ["b.com", undefined],
        ],
        "changes",
      );
      stop();
    });

    run("keeps labels, annotations and the whole spec", async ({ store }) => {
      const labels = { "app.kubernetes.io/name": "a", team: "shop" };
      const annotations = { "example.com/note": "two\nlines: #1" };
      const spec = { host: "a.com", subsets: [{ name: "v1", labels: { version: "v1" } }], exportTo: ["."] };
      await store.transact([{ put: destinationRule({ name: "a", namespace: "shop", labels, annotations }, spec) }]);
      const object = store.get(KEY("a"));
      equal(
        [object?.spec, object?.metadata.labels, object?.metadata.annotations],
        [spec, labels, annotations],
        "object",
      );
    });

    run("writes only over what was read", async ({ store }) => {
      await store.transact([{ put: rule("a", "a.com"), expect: null }]);
      await rejects("CONFLICT", store.transact([{ put: rule("a", "x.com"), expect: null }]), "shop/a");
      const read = revisionOf(store, "a");
      await store.transact([{ put: rule("a", "b.com"), expect: read }]);
      assert(revisionOf(store, "a") !== read, "a write makes a new revision");
      await rejects("CONFLICT", store.transact([{ put: rule("a", "c.com"), expect: read }]), "shop/a");
      await rejects("CONFLICT", store.transact([{ delete: refTo("a"), expect: read }]), "shop/a");
      assert(hostOf(store, "a") === "b.com", "a refused write leaves the object");
      await store.transact([{ delete: refTo("a"), expect: revisionOf(store, "a") }]);
      await rejects("CONFLICT", store.transact([{ put: rule("a", "d.com"), expect: read }]), "shop/a");
    });

    run("takes no object with errors, and names what is wrong", async ({ store }) => {
      await store.transact([{ put: rule("a", "a.com") }]);
      const error = await rejects("INVALID_OBJECT", store.transact([{ put: rule("a", "not a host") }]), "spec.host");
      assert(
        error.diagnostics.some(({ path }) => path === "spec.host"),
        "the diagnostics have the path",
      );
      assert(hostOf(store, "a") === "a.com", "the last good version stays in force");
    });

    run("writes a status beside the object", async ({ store }) => {
      await rejects("NOT_FOUND", store.transact([{ status: refTo("a"), value: {} }]), "shop/a");
      await store.transact([{ put: rule("a", "a.com") }]);
      const inForce = store.get(KEY("a"));
      const changes: unknown[] = [];
      const stop = store.subscribe((batch) => changes.push(...batch));
      const status = { conditions: [{ type: "Reconciled", status: "True" }], observedGeneration: "1" };
      await store.transact([{ status: refTo("a"), value: status }]);
      equal(store.stored(refTo("a"))?.object.status, status, "status");
      assert(store.get(KEY("a")) === inForce, "a status changes nothing downstream");
      await store.transact([{ put: rule("a", "b.com"), expect: revisionOf(store, "a") }]);
      equal(store.stored(refTo("a"))?.object.status, status, "status after a write of the spec");
      equal(changes.length, 1, "changes");
      stop();
    });

    run("counts generations of the spec", async ({ store, generations = true }) => {
      if (!generations) return;
      const generation = () => store.stored(refTo("a"))?.object.metadata.generation;
      await store.transact([{ put: rule("a", "a.com") }]);
      equal(generation(), 1, "generation of a new object");
      await store.transact([{ status: refTo("a"), value: { observedGeneration: "1" } }]);
      equal(generation(), 1, "generation after a status");
      await store.transact([{ put: rule("a", "b.com") }]);
      equal(generation(), 2, "generation after a new spec");
    });

    run("writes all edits of a transaction or none, in one batch", async ({ store, transactions = true }) => {
      const edits: readonly StoreEdit[] = [{ put: rule("a", "a.com") }, { put: rule("b", "b.com"), expect: null }];
      if (!transactions) {
        await rejects("UNSUPPORTED", store.transact(edits), "");
        assert(store.get(KEY("a")) === undefined, "nothing was written");
        return;
      }
      const batches: number[] = [];
      const stop = store.subscribe((changes) => batches.push(changes.length));
      await store.transact(edits);
      equal(batches, [2], "batches");
      await rejects(
        "CONFLICT",
        store.transact([
          { put: rule("a", "x.com") },
          { put: rule("b", "x.com"), expect: null },
          { delete: refTo("a") },
        ]),
        "shop/b",
      );
      await rejects("INVALID_OBJECT", store.transact([{ delete: refTo("a") }, { put: rule("b", "not a host") }]), "");
      equal([hostOf(store, "a"), hostOf(store, "b")], ["a.com", "b.com"], "after refused transactions");
      await store.transact([{ delete: refTo("a") }, { put: rule("c", "c.com") }]);
      equal([hostOf(store, "a"), hostOf(store, "c")], [undefined, "c.com"], "after a mixed one");
      stop();
    });

    run("can be gone back in", async ({ store, transactions = true }) => {
      using history = configHistory(store, { limit: 5, now: () => 0 });
      await store.transact([{ put: rule("a", "a.com") }]);
      await store.transact([{ put: rule("b", "b.com") }]);
      await store.transact([{ put: rule("a", "x.com") }]);
      if (transactions) {
        await store.transact([{ delete: refTo("b") }, { put: rule("c", "c.com") }]);
        await history.rollback(2);
        equal([hostOf(store, "a"), hostOf(store, "b"), hostOf(store, "c")], ["a.com", "b.com", undefined], "version 2");
        await history.rollback(0);
      } else {
        await history.rollback(2);
        equal([hostOf(store, "a"), hostOf(store, "b")], ["a.com", "b.com"], "version 2");
        await store.transact([{ delete: refTo("b") }]);
        await history.rollback(0);
      }
      equal(
        [...store.keys()].filter((key) => key.includes("/shop/")),
        [],
        "version 0",
      );
    });

    run("does not hide what another has written", async ({ store, peer }) => {
      if (!peer) return;
      await store.transact([{ put: rule("a", "a.com") }]);
      await eventually("the peer sees the object", () => hostOf(peer, "a") === "a.com");
      const stale = revisionOf(peer, "a");
      await store.transact([{ put: rule("a", "b.com") }]);
      await rejects("CONFLICT", peer.transact([{ put: rule("a", "c.com"), expect: stale }]), "shop/a");
      await eventually("the peer sees the change", () => hostOf(peer, "a") === "b.com");
      await peer.transact([{ put: rule("a", "c.com"), expect: revisionOf(peer, "a") }]);
      await eventually("the other sees the change", () => hostOf(store, "a") === "c.com");
      // Of many who write at the same time over what they all read, one wins.
      const read = revisionOf(store, "a");
      await eventually("both have read the same", () => revisionOf(peer, "a") === read);
      const results = await Promise.allSettled(
        [store, peer, store, peer].map((writer, index) =>
          writer.transact([{ put: rule("a", `winner-${index}.com`), expect: read }]),
        ),
      );
      equal(results.filter(({ status }) => status === "fulfilled").length, 1, "winners");
    });
  });
}

const refTo = (name: string): ObjectRef => ({ kind: "DestinationRule", namespace: "shop", name });
const KEY = (name: string) => objectKey(refTo(name));

function rule(name: string, target: string): ConfigObject {
  return destinationRule({ name, namespace: "shop" }, { host: target });
}

function host(object: ConfigObject | undefined): string | undefined {
  return (object?.spec as { readonly host?: string } | undefined)?.host;
}

function hostOf(store: WritableStore, name: string): string | undefined {
  return host(store.get(KEY(name)));
}

function revisionOf(store: WritableStore, name: string): string {
  const stored = store.stored(refTo(name));
  if (!stored) throw new Error(`contract broken: nothing is stored of ${name}`);
  equal(refOf(stored.object), refTo(name), "the stored object's name");
  return stored.revision;
}

async function rejects(code: string, writing: Promise<unknown>, mentions: string): Promise<ConfigError> {
  const error = await writing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert(error instanceof ConfigError && error.code === code, `expected ConfigError ${code}, got ${String(error)}`);
  assert(error.message.includes(mentions), `${JSON.stringify(error.message)} does not mention ${mentions}`);
  return error;
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`contract broken: ${what}: not within ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`contract broken: ${what}`);
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (!structurallyEqual(actual, expected))
    throw new Error(`contract broken: ${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}
