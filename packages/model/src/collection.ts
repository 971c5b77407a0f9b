/** One change of a collection: `value` is absent when the key was removed, `previous` when it was added. */
export interface Change<V> {
  readonly key: string;
  readonly value: V | undefined;
  readonly previous: V | undefined;
}

/** Ends a subscription. May be called more than once. */
export type Unsubscribe = () => void;

/**
 * The one observable keyed set that every source (registry, configuration store, derived set) offers.
 * Producers never block: listeners get batches synchronously, must not throw and must not change the collection.
 */
export interface Collection<V> {
  /** Resolves when the first full state has been read; rejects when it never can be. */
  readonly ready: Promise<void>;
  get(key: string): V | undefined;
  keys(): Iterable<string>;
  values(): Iterable<V>;
  /** Calls `listener` with each later batch. The present state is not replayed: read `values()` first. */
  subscribe(listener: (changes: readonly Change<V>[]) => void): Unsubscribe;
}

/** What a collection holds, by key. */
export function* entriesOf<V>(
  collection: Pick<Collection<V>, "keys" | "get">,
): IterableIterator<readonly [key: string, value: V]> {
  for (const key of collection.keys()) {
    const value = collection.get(key);
    if (value !== undefined) yield [key, value];
  }
}

/**
 * A collection in memory, and the base of all sources. A value that is equal in meaning to the one held keeps the old
 * object, so that nothing downstream moves.
 */
export class MemoryCollection<V> implements Collection<V> {
  readonly ready: Promise<void> = Promise.resolve();
  readonly #entries = new Map<string, V>();
  readonly #listeners = new Set<(changes: readonly Change<V>[]) => void>();
  readonly #equal: (a: V, b: V) => boolean;

  /** `equal` says what equal meaning is; the default compares structure (see {@link structurallyEqual}). */
  constructor(equal: (a: V, b: V) => boolean = structurallyEqual) {
    this.#equal = equal;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  values(): Iterable<V> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  subscribe(listener: (changes: readonly Change<V>[]) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(key: string, value: V): void {
    this.apply([[key, value]]);
  }

  delete(key: string): void {
    this.apply([[key, undefined]]);
  }

  /** Applies all edits as one batch; `undefined` removes. Returns what really changed. */
  apply(edits: Iterable<readonly [key: string, value: V | undefined]>): readonly Change<V>[] {
    const changes: Change<V>[] = [];
    for (const [key, value] of edits) {
      const previous = this.#entries.get(key);
      if (value === undefined ? previous === undefined : previous !== undefined && this.#equal(previous, value))
        continue;
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
      changes.push({ key, value, previous });
    }
    if (changes.length > 0) for (const listener of [...this.#listeners]) listener(changes);
    return changes;
  }

  /** Makes the collection hold exactly `entries`, as one batch. */
  replace(entries: ReadonlyMap<string, V>): readonly Change<V>[] {
    const removed = [...this.#entries.keys()].filter((key) => !entries.has(key));
    return this.apply([...removed.map((key) => [key, undefined] as const), ...entries]);
  }
}

/** Deep equality of plain data: objects, arrays, byte arrays and primitives. An absent key equals an undefined one. */
export function structurallyEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || ArrayBuffer.isView(a)) {
    const left = a as ArrayLike<unknown>;
    const right = b as ArrayLike<unknown>;
    if (Array.isArray(b) !== Array.isArray(a) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) if (!structurallyEqual(left[index], right[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of Object.keys(left)) if (!structurallyEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (right[key] !== undefined && !(key in left)) return false;
  return true;
}
