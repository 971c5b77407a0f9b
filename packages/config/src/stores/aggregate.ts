import {
  type Collection,
  type Diagnostic,
  type ObjectRef,
  objectKey,
  type Position,
  type Unsubscribe,
} from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import { HeldObjects } from "./held-objects.ts";
import { type ConfigStore, isWritable, type StoredObject, type StoreEdit, type WritableStore } from "./store.ts";
import { refOfEdit } from "./write-plan.ts";

/**
 * Several stores as one. Whoever made it closes it; the stores themselves stay open.
 *
 * A write goes to the store whose object is in force, a new object to the first store that can be written. `transact`
 * rejects with ConfigError `UNSUPPORTED` where that store cannot be written, or where the edits would go to several.
 */
export interface AggregateStore extends WritableStore, Disposable {
  close(): void;
}

/** Where several stores hold an object, that of the first in the list is in force; the others are shadowed, and reported. */
export function aggregateStore(stores: readonly ConfigStore[]): AggregateStore {
  return new Aggregate(stores);
}

class Aggregate extends HeldObjects implements AggregateStore {
  readonly ready: Promise<void>;
  readonly #stores: readonly ConfigStore[];
  readonly #subscriptions: readonly Unsubscribe[];

  constructor(stores: readonly ConfigStore[]) {
    super();
    this.#stores = stores;
    this.#subscriptions = stores.map((store) =>
      store.subscribe((changes) => this.#refresh(changes.map(({ key }) => key))),
    );
    this.#refresh(stores.flatMap((store) => [...store.keys()]));
    this.ready = Promise.all(stores.map((store: Collection<unknown>) => store.ready)).then(() => undefined);
    // Who never looks at `ready` is not to crash of it.
    this.ready.catch(() => undefined);
  }

  diagnostics(): readonly Diagnostic[] {
    return [...this.#stores.flatMap((store) => store.diagnostics()), ...this.#shadowed()];
  }

  locate(ref: ObjectRef, path: string): Position | undefined {
    return this.#holder(objectKey(ref))?.locate(ref, path);
  }

  stored(ref: ObjectRef): StoredObject | undefined {
    const holder = this.#holder(objectKey(ref)) ?? this.#stores.find(isWritable);
    return holder && isWritable(holder) ? holder.stored(ref) : undefined;
  }

  async transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]> {
    const targets = new Set(edits.map((edit) => this.#target(refOfEdit(edit))));
    const [target] = targets;
    if (target === undefined) return [];
    if (targets.size > 1)
      throw new ConfigError("UNSUPPORTED", "a transaction over objects of several stores cannot be all or nothing");
    return target.transact(edits);
  }

  #target(ref: ObjectRef): WritableStore {
    const target = this.#holder(objectKey(ref)) ?? this.#stores.find(isWritable);
    if (target && isWritable(target)) return target;
    const what = `${ref.kind} ${ref.namespace}/${ref.name}`;
    throw new ConfigError("UNSUPPORTED", `${what} is in a store that cannot be written`);
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #holder(key: string): ConfigStore | undefined {
    return this.#stores.find((store) => store.get(key) !== undefined);
  }

  #refresh(keys: readonly string[]): void {
    this.objects.apply(keys.map((key) => [key, this.#holder(key)?.get(key)]));
  }

  *#shadowed(): Iterable<Diagnostic> {
    for (const store of this.#stores)
      for (const key of store.keys()) {
        const holder = this.#holder(key);
        const object = store.get(key);
        if (object === undefined || holder === store) continue;
        const ref = { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
        const position = store.locate(ref, "");
        const first = holder?.locate(ref, "");
        yield {
          code: "duplicate-object",
          severity: "error",
          message: `is also in a store of higher precedence${first ? ` (${first.file}:${first.line})` : ""}, which stays in force`,
          path: "",
          object: ref,
          ...(position && { position }),
        };
      }
  }
}
