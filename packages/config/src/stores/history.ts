import { type Change, type ObjectRef, structurallyEqual, type Unsubscribe } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import { type ConfigObject, refOf } from "../object.ts";
import type { ConfigStore, StoreEdit, WritableStore } from "./store.ts";

/** One version of everything in a store: what the batch that made it changed. */
export interface HistoryEntry {
  /** 1, 2, …: the state to begin with is version 0. */
  readonly version: number;
  /** Milliseconds since 1970, by the history's clock. */
  readonly at: number;
  readonly changes: readonly Change<ConfigObject>[];
}

export interface HistoryOptions {
  /** How many versions back can be gone. Default 100. */
  readonly limit?: number;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
}

/** The last versions of a store. Whoever made it closes it; the store stays open. */
export interface ConfigHistory extends Disposable {
  /** The newest version. */
  readonly version: number;
  /** The last changes, oldest first. */
  entries(): readonly HistoryEntry[];
  /** Everything that was in force at a version; ConfigError `NOT_FOUND` for one that is not kept. */
  at(version: number): ReadonlyMap<string, ConfigObject>;
  /** What `rollback` would write, each edit expecting what is stored now. */
  plan(version: number): readonly StoreEdit[];
  /**
   * Makes the store hold what it held at a version, in one transaction, as a new version. Rejects as `transact` does:
   * `CONFLICT` where somebody else writes meanwhile, and nothing is changed. ConfigError `NOT_FOUND` for a version that is not kept.
   */
  rollback(version: number): Promise<void>;
  close(): void;
}

/**
 * Follows a store from now on and keeps its last versions, so that any of them can be looked at and gone back to. A
 * version is a batch of changes in meaning: writes of a status alone make none. It costs memory in proportion to what changed.
 */
export function configHistory(store: WritableStore, options: HistoryOptions = {}): ConfigHistory {
  return new StoreHistory(store, options);
}

class StoreHistory implements ConfigHistory {
  readonly #store: WritableStore;
  readonly #limit: number;
  readonly #unsubscribe: Unsubscribe;
  #entries: HistoryEntry[] = [];
  version = 0;

  constructor(store: WritableStore, { limit = 100, now = Date.now }: HistoryOptions) {
    this.#store = store;
    this.#limit = limit;
    this.#unsubscribe = store.subscribe((changes) => {
      this.#entries.push({ version: ++this.version, at: now(), changes });
      if (this.#entries.length > this.#limit) this.#entries = this.#entries.slice(-this.#limit);
    });
  }

  entries(): readonly HistoryEntry[] {
    return [...this.#entries];
  }

  at(version: number): ReadonlyMap<string, ConfigObject> {
    const oldest = this.version - this.#entries.length;
    if (!Number.isInteger(version) || version < oldest || version > this.version)
      throw new ConfigError("NOT_FOUND", `version ${version} is not kept; ${oldest} to ${this.version} are`);
    const objects = new Map(contents(this.#store));
    for (const { version: later, changes } of [...this.#entries].reverse()) {
      if (later <= version) break;
      for (const { key, previous } of changes)
        if (previous) objects.set(key, previous);
        else objects.delete(key);
    }
    return objects;
  }

  plan(version: number): readonly StoreEdit[] {
    const target = this.at(version);
    const edits: StoreEdit[] = [];
    for (const [key, now] of contents(this.#store))
      if (!target.has(key)) edits.push({ delete: refOf(now), ...this.#expected(refOf(now)) });
    for (const [key, object] of target) {
      const now = this.#store.get(key);
      if (now === object || (now && sameContent(now, object))) continue;
      edits.push({ put: object, ...(now ? this.#expected(refOf(now)) : { expect: null }) });
    }
    return edits;
  }

  async rollback(version: number): Promise<void> {
    const edits = this.plan(version);
    if (edits.length > 0) await this.#store.transact(edits);
  }

  close(): void {
    this.#unsubscribe();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #expected(ref: ObjectRef): { readonly expect?: string } {
    const revision = this.#store.stored(ref)?.revision;
    return revision === undefined ? {} : { expect: revision };
  }
}

function* contents(store: ConfigStore): Iterable<readonly [string, ConfigObject]> {
  for (const key of store.keys()) {
    const object = store.get(key);
    if (object) yield [key, object];
  }
}

function sameContent(a: ConfigObject, b: ConfigObject): boolean {
  return (
    structurallyEqual(a.spec, b.spec) &&
    structurallyEqual(a.metadata.labels, b.metadata.labels) &&
    structurallyEqual(a.metadata.annotations, b.metadata.annotations)
  );
}
