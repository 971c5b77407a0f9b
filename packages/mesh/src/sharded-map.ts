const SHARDS = 256;

/** FNV-1a, folded to one of 256 numbers. */
export function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) & (SHARDS - 1);
}

const EMPTY = new Map<string, never>() as ReadonlyMap<string, never>;

/**
 * An immutable map with structural sharing: an edit copies the shard it falls in, the rest is shared, and two versions
 * are compared by looking only into shards that are not the same object.
 */
export class ShardedMap<V> {
  readonly #shards: readonly ReadonlyMap<string, V>[];

  private constructor(shards: readonly ReadonlyMap<string, V>[]) {
    this.#shards = shards;
  }

  static empty<V>(): ShardedMap<V> {
    return new ShardedMap<V>(new Array<ReadonlyMap<string, V>>(SHARDS).fill(EMPTY));
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  *entries(): IterableIterator<[string, V]> {
    for (const shard of this.#shards) yield* shard;
  }

  /** A map with `edits` applied; `undefined` removes. The same map when nothing changes. */
  with(edits: Iterable<readonly [string, V | undefined]>): ShardedMap<V> {
    const copies = new Map<number, Map<string, V>>();
    for (const [key, value] of edits) {
      const shard = shardOf(key);
      const present = copies.get(shard) ?? this.#shards[shard] ?? EMPTY;
      if (present.get(key) === value) continue;
      let copy = copies.get(shard);
      if (!copy) {
        copy = new Map(present);
        copies.set(shard, copy);
      }
      if (value === undefined) copy.delete(key);
      else copy.set(key, value);
    }
    if (copies.size === 0) return this;
    return new ShardedMap(this.#shards.map((shard, index) => copies.get(index) ?? shard));
  }

  /** The keys whose value is not the same object in `other`. */
  *changedKeys(other: ShardedMap<V>): IterableIterator<string> {
    for (let index = 0; index < SHARDS; index++) {
      const mine = this.#shards[index] ?? EMPTY;
      const theirs = other.#shards[index] ?? EMPTY;
      if (mine === theirs) continue;
      for (const [key, value] of mine) if (theirs.get(key) !== value) yield key;
      for (const key of theirs.keys()) if (!mine.has(key)) yield key;
    }
  }
}
