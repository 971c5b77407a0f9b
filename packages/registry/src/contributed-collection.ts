import { MemoryCollection } from "@fairlead/model";

/** What the contributions under one key stand for: usually one value under the same key. Values come in order of their contributors. */
export type Resolve<V> = (key: string, values: readonly V[]) => Iterable<readonly [key: string, value: V]>;

/** The first contributor wins. */
function firstWins<V>(key: string, values: readonly V[]): Iterable<readonly [key: string, value: V]> {
  return values.slice(0, 1).map((value) => [key, value] as const);
}

/**
 * A collection whose values are contributed: each contributor gives values by key, several may give one key, and
 * `resolve` decides. Work is proportional to what a contributor changed.
 */
export class ContributedCollection<V> extends MemoryCollection<V> {
  override readonly ready: Promise<void>;
  readonly #resolve: Resolve<V>;
  readonly #given = new Map<string, Map<string, V>>();
  readonly #keys = new Map<string, readonly string[]>();
  readonly #resolved = new Map<string, readonly string[]>();

  constructor(ready: Promise<void>, resolve: Resolve<V> = firstWins) {
    super();
    this.ready = ready;
    this.#resolve = resolve;
  }

  /** Replaces everything that each named contributor gave, and emits one batch. Contributors are ordered by name. */
  contribute(batch: ReadonlyMap<string, Iterable<readonly [key: string, value: V]>>): void {
    const touched = new Set<string>();
    for (const [contributor, entries] of batch) {
      for (const key of this.#keys.get(contributor) ?? []) {
        touched.add(key);
        this.#given.get(key)?.delete(contributor);
      }
      const keys: string[] = [];
      for (const [key, value] of entries) {
        const given = this.#given.get(key) ?? new Map<string, V>();
        this.#given.set(key, given.set(contributor, value));
        keys.push(key);
        touched.add(key);
      }
      if (keys.length > 0) this.#keys.set(contributor, keys);
      else this.#keys.delete(contributor);
    }
    const edits = new Map<string, V | undefined>();
    const additions = new Map<string, V>();
    for (const key of touched) {
      for (const old of this.#resolved.get(key) ?? []) edits.set(old, undefined);
      const given = this.#given.get(key);
      if (given === undefined || given.size === 0) {
        this.#given.delete(key);
        this.#resolved.delete(key);
        continue;
      }
      const values =
        given.size === 1
          ? [...given.values()]
          : [...given].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
      const names: string[] = [];
      for (const [name, value] of this.#resolve(key, values)) {
        additions.set(name, value);
        names.push(name);
      }
      this.#resolved.set(key, names);
    }
    for (const [key, value] of additions) edits.set(key, value);
    this.apply(edits);
  }
}
