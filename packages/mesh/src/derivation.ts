// Longer than most files: cells, their variants and the wave through them are one algorithm.
import { objectNotes, type ProxyNode } from "@fairlead/model";
import { type Few, membersOf, withMember, withoutMember } from "./few.ts";
import type { Buckets, Mesh } from "./mesh.ts";

/** A value that a node can be told apart by. Objects count by identity. */
export type FactValue = string | number | boolean | undefined | object;

/** An immutable state that values are derived from: its parts, by name and key joined with NUL, and which of them differ. */
export interface Snapshot {
  bucketById(id: string): unknown;
  changedBuckets(other: never): Iterable<string>;
}

/**
 * The only way in which derived values read the mesh and the node, so that each knows what it read: buckets of the mesh,
 * facts of the node, and other derived values. Other snapshots (`B`: what its buckets hold, by name) and other askers (`N`)
 * can be derived from in the same way.
 */
export interface Reader<B extends object = Buckets, N = ProxyNode> {
  /** As of {@link DerivationOptions}. */
  readonly traced: boolean;
  bucket<K extends keyof B & string>(name: K, key: string): B[K] | undefined;
  /** A fact of the node. The value forks on it, so ask for the least that decides. Equal names mean equal selections. */
  fact<T extends FactValue>(name: string, select: (node: N) => T): T;
  ask<A, V>(query: Query<A, V, B, N>, argument: A): V;
  /**
   * As `ask`, but the reader forks on the value instead of on the facts that it was made from: a thousand replicas with
   * addresses of their own that serve the same things are one. The query must have `identify`.
   */
  project<A, V extends object>(query: Query<A, V, B, N>, argument: A): V;
}

/** A derived value: pure, named, and kept for every argument (and every kind of node that it tells apart). */
export interface Query<A, V, B extends object = Buckets, N = ProxyNode> {
  readonly name: string;
  /** Canonical text of the argument, or an object that stands for it by identity. */
  key(argument: A): string | object;
  /** `previous` is the value until now, for who must answer with the last good one when no new one can be made. */
  compute(read: Reader<B, N>, argument: A, previous?: V): V;
  /** An equal new result keeps the old object, which stops the wave. Default: identity. */
  equal?(a: V, b: V): boolean;
  /** Canonical text of a value: equal texts are one object. Needed to {@link Reader.project}. */
  identify?(value: V): string;
}

const identities = objectNotes<number>();
let lastIdentity = 0;

/** A number that stands for an object as long as the process lives. */
export function identityOf(value: object): number {
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return identity;
}

/** Whatever it is about: entries and cells hold values of all kinds. */
type AnyQuery = Query<unknown, unknown, AnyBuckets, unknown>;
type AnyBuckets = Readonly<Record<string, unknown>>;

interface Fact {
  readonly name: string;
  readonly select: (node: unknown) => FactValue;
  readonly value: FactValue;
}

/** A bucket with what was found in it. */
type BucketRead = readonly [id: string, seen: unknown];

interface Cell {
  readonly entry: Entry;
  value: unknown;
  facts: readonly Fact[];
  buckets: readonly BucketRead[];
  dependencies: readonly Cell[];
  dependents: Few<Cell>;
  /** Something it read may have changed. */
  suspect: boolean;
  computing: boolean;
  verifiedAt: number;
  changedAt: number;
}

interface Entry {
  readonly query: AnyQuery;
  readonly argument: unknown;
  readonly key: string | object;
  variants: Cell[];
  /** What was answered last, to which node and when: as long as both are the same, so is the answer. */
  answer: Cell | undefined;
  answeredTo: unknown;
  answeredAt: number;
  /** The facts that any variant reads: their values name the variant in `index`. */
  factNames: Map<string, Fact["select"]> | undefined;
  index: Map<string, Cell> | undefined;
  /** A variant is being computed for the first time. */
  creating: boolean;
  /** Values by their canonical text, where the query has one. */
  interned: Map<string, unknown> | undefined;
}

export interface DerivationOptions {
  /** Whether values keep what each of their parts was made from, for who shows it. It takes memory. Default: false. */
  readonly traced?: boolean;
}

/** Held by who needs a derived value to stay: see {@link Derivations.collect}. */
export interface Hold {
  readonly cells: Set<object>;
}

const separator = "\u0000";

/**
 * Keeps derived values of a mesh. `advance` moves to a newer mesh: only what read a changed bucket is looked at again,
 * only what really read something else is computed again, and equal results stop there.
 */
export class Derivations<B extends object = Buckets, N = ProxyNode, M extends Snapshot = Mesh> {
  #mesh: M;
  #epoch = 1;
  readonly #entries = new Map<AnyQuery, Map<string | object, Entry>>();
  readonly #readers = new Map<string, Few<Cell>>();
  /** Of the mesh at hand, each once and shared by all who read it: to put an id together costs more than the rest of a read. */
  #reads = new Map<string, Map<string, BucketRead>>();
  #computations = 0;
  #size = 0;
  readonly #follow: Follow = (query, argument, node) => this.#resolve(query, argument, node);

  readonly #read: Look = (name, key) => {
    let ofName = this.#reads.get(name);
    if (!ofName) {
      ofName = new Map();
      this.#reads.set(name, ofName);
    }
    let read = ofName.get(key);
    if (!read) {
      const id = `${name}${separator}${key}`;
      read = [id, this.#mesh.bucketById(id)];
      ofName.set(key, read);
    }
    return read;
  };

  readonly #traced: boolean;

  constructor(mesh: M, { traced = false }: DerivationOptions = {}) {
    this.#mesh = mesh;
    this.#traced = traced;
  }

  get mesh(): M {
    return this.#mesh;
  }

  /** How many values were computed so far (a measure of work), and how many are held. */
  get statistics(): { readonly computations: number; readonly values: number } {
    return { computations: this.#computations, values: this.#size };
  }

  advance(mesh: M): void {
    if (mesh === this.#mesh) return;
    this.#epoch++;
    for (const id of mesh.changedBuckets(this.#mesh as never))
      for (const cell of membersOf(this.#readers.get(id))) suspect(cell);
    this.#mesh = mesh;
    this.#reads = new Map();
  }

  /** The value for `node`. With `hold`, it survives {@link collect} as long as the hold is passed there. */
  ask<A, V>(query: Query<A, V, B, N>, argument: A, node: N, hold?: Hold): V {
    const cell = this.#resolve(query as AnyQuery, argument, node);
    hold?.cells.add(cell);
    return cell.value as V;
  }

  /** Drops every value that no hold needs. */
  collect(holds: Iterable<Hold>): void {
    const live = new Set<Cell>();
    const stack: Cell[] = [];
    for (const hold of holds) for (const cell of hold.cells) stack.push(cell as Cell);
    for (let cell = stack.pop(); cell; cell = stack.pop()) {
      if (live.has(cell)) continue;
      live.add(cell);
      stack.push(...cell.dependencies);
    }
    for (const byKey of this.#entries.values())
      for (const [key, entry] of byKey) {
        for (const cell of entry.variants) if (!live.has(cell)) this.#unlink(cell);
        const kept = entry.variants.filter((cell) => live.has(cell));
        if (kept.length === entry.variants.length) continue;
        this.#size -= entry.variants.length - kept.length;
        entry.variants = kept;
        entry.answer = undefined;
        entry.index = undefined;
        entry.interned = undefined;
        for (const cell of kept) this.#intern(entry, cell.value);
        if (kept.length === 0) byKey.delete(key);
      }
  }

  #entry(query: AnyQuery, argument: unknown): Entry {
    let byKey = this.#entries.get(query);
    if (!byKey) {
      byKey = new Map();
      this.#entries.set(query, byKey);
    }
    const key = query.key(argument);
    let entry = byKey.get(key);
    if (!entry) {
      entry = {
        query,
        argument,
        key,
        variants: [],
        answer: undefined,
        answeredTo: undefined,
        answeredAt: 0,
        factNames: undefined,
        index: undefined,
        creating: false,
        interned: undefined,
      };
      byKey.set(key, entry);
    }
    return entry;
  }

  #resolve(query: AnyQuery, argument: unknown, node: unknown): Cell {
    const entry = this.#entry(query, argument);
    // By number: an answer must not hold a node that has gone.
    const asker = typeof node === "object" && node !== null ? identityOf(node) : node;
    const { answer } = entry;
    if (answer && entry.answeredTo === asker && entry.answeredAt === this.#epoch) return answer;
    const cell = this.#find(entry, node) ?? this.#create(entry, node);
    entry.answer = cell;
    entry.answeredTo = asker;
    entry.answeredAt = this.#epoch;
    return cell;
  }

  #find(entry: Entry, node: unknown): Cell | undefined {
    for (;;) {
      const cell = this.#variant(entry, node);
      if (!cell) return undefined;
      if (cell.computing) throw new Error(`derived value ${entry.query.name}(${keyText(entry)}) depends on itself`);
      if (cell.suspect) this.#verify(cell, node);
      // Computing again may have shown that this variant is for another kind of node.
      if (holdsFor(cell, node)) return cell;
    }
  }

  #variant(entry: Entry, node: unknown): Cell | undefined {
    const { variants, factNames } = entry;
    if (variants.length === 0) return undefined;
    const [first] = variants;
    if (factNames === undefined) return first;
    if (variants.length === 1 && first && holdsFor(first, node)) return first;
    let name = "";
    for (const select of factNames.values()) {
      const value = select(node);
      name += typeof value === "object" ? `#${identityOf(value)}${separator}` : `${typeof value}${value}${separator}`;
    }
    let cell = entry.index?.get(name);
    if (!cell) {
      cell = variants.find((candidate) => holdsFor(candidate, node));
      if (cell) {
        entry.index ??= new Map();
        entry.index.set(name, cell);
      }
    }
    return cell;
  }

  #create(entry: Entry, node: unknown): Cell {
    const cell: Cell = {
      entry,
      value: undefined,
      facts: NONE,
      buckets: NONE,
      dependencies: NONE,
      dependents: undefined,
      suspect: false,
      computing: false,
      verifiedAt: this.#epoch,
      changedAt: this.#epoch,
    };
    if (entry.creating) throw new Error(`derived value ${entry.query.name}(${keyText(entry)}) depends on itself`);
    entry.creating = true;
    try {
      cell.value = this.#compute(cell, node);
    } finally {
      entry.creating = false;
    }
    entry.variants.push(cell);
    this.#size++;
    return cell;
  }

  /** Makes a suspect cell good again: by showing that nothing it read changed, else by computing it again. */
  #verify(cell: Cell, node: unknown): void {
    if (!this.#mustCompute(cell, node)) {
      cell.suspect = false;
      cell.verifiedAt = this.#epoch;
      return;
    }
    const { value, facts, entry } = cell;
    const next = this.#compute(cell, node);
    const sameFacts =
      facts.length === cell.facts.length &&
      facts.every((fact, index) => fact.name === cell.facts[index]?.name && fact.value === cell.facts[index]?.value);
    const equal = entry.query.equal ?? Object.is;
    if (equal(value, next)) cell.value = value;
    else cell.value = next;
    if (cell.value !== value || !sameFacts) cell.changedAt = this.#epoch;
    if (!sameFacts) entry.index = undefined;
    cell.suspect = false;
    cell.verifiedAt = this.#epoch;
  }

  #mustCompute(cell: Cell, node: unknown): boolean {
    for (const [id, seen] of cell.buckets) if (this.#mesh.bucketById(id) !== seen) return true;
    for (const dependency of cell.dependencies) {
      if (dependency.suspect) this.#verify(dependency, node);
      if (dependency.changedAt > cell.verifiedAt) return true;
    }
    return false;
  }

  #compute(cell: Cell, node: unknown): unknown {
    this.#computations++;
    const reads = new Reads(this.#read, node, this.#follow, this.#traced);
    cell.computing = true;
    try {
      return this.#intern(cell.entry, cell.entry.query.compute(reads, cell.entry.argument, cell.value));
    } finally {
      cell.computing = false;
      cell.facts = exact(reads.facts);
      this.#relink(cell, reads);
      const { entry } = cell;
      for (const { name, select } of cell.facts) {
        if (entry.factNames?.has(name)) continue;
        entry.factNames ??= new Map();
        entry.factNames.set(name, select);
        entry.index = undefined;
      }
    }
  }

  #intern(entry: Entry, value: unknown): unknown {
    const text = entry.query.identify?.(value);
    if (text === undefined) return value;
    const present = entry.interned?.get(text);
    if (present !== undefined) return present;
    entry.interned ??= new Map();
    entry.interned.set(text, value);
    return value;
  }

  /** Makes known what the cell reads now. What it read before too stays as it is: that is nearly all of thousands. */
  #relink(cell: Cell, { buckets, dependencies }: Pick<Cell, "buckets" | "dependencies">): void {
    const before = cell.buckets;
    if (!sameInOrder(before, buckets, ([a], [b]) => a === b)) {
      if (before.length > 0) {
        const ids = new Set(buckets.map(([id]) => id));
        for (const [id] of before) if (!ids.has(id)) this.#forgetReader(id, cell);
      }
      for (const [id] of buckets) {
        const readers = this.#readers.get(id);
        const more = withMember(readers, cell);
        if (more !== readers) this.#readers.set(id, more);
      }
    }
    cell.buckets = exact(buckets);
    if (!sameInOrder(cell.dependencies, dependencies, Object.is)) {
      if (cell.dependencies.length > 0) {
        const now = new Set(dependencies);
        for (const dependency of cell.dependencies) if (!now.has(dependency)) forgetDependent(dependency, cell);
      }
      for (const dependency of dependencies) dependency.dependents = withMember(dependency.dependents, cell);
    }
    cell.dependencies = exact(dependencies);
  }

  #forgetReader(id: string, cell: Cell): void {
    const readers = withoutMember(this.#readers.get(id), cell);
    if (readers) this.#readers.set(id, readers);
    else this.#readers.delete(id);
  }

  #unlink(cell: Cell): void {
    for (const [id] of cell.buckets) this.#forgetReader(id, cell);
    for (const dependency of cell.dependencies) forgetDependent(dependency, cell);
    cell.buckets = NONE;
    cell.dependencies = NONE;
  }
}

const NONE: readonly never[] = [];

/** A list that is kept, without the room that it grew with: values read a few things, and there is room for seventeen. */
function exact<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list.slice();
}

function forgetDependent(dependency: Cell, cell: Cell): void {
  dependency.dependents = withoutMember(dependency.dependents, cell);
}

/** Whether the node is of the kind that the cell is for. */
function holdsFor({ facts }: Cell, node: unknown): boolean {
  for (const { select, value } of facts) if (select(node) !== value) return false;
  return true;
}

type Look = (name: string, key: string) => BucketRead;
type Follow = (query: AnyQuery, argument: unknown, node: unknown) => Cell;

/** Up to here a list is looked through, which costs less than a map: most values read a few things. */
const FEW = 8;

/** What one value reads while it is computed, each thing once. */
class Reads implements Reader<AnyBuckets, unknown> {
  readonly traced: boolean;
  readonly facts: Fact[] = [];
  readonly buckets: BucketRead[] = [];
  readonly dependencies: Cell[] = [];
  #factsByName: Map<string, Fact> | undefined;
  #bucketSet: Set<BucketRead> | undefined;
  #dependencySet: Set<Cell> | undefined;
  readonly #look: Look;
  readonly #node: unknown;
  readonly #follow: Follow;

  constructor(look: Look, node: unknown, follow: Follow, traced: boolean) {
    this.traced = traced;
    this.#look = look;
    this.#node = node;
    this.#follow = follow;
  }

  bucket(name: string, key: string): unknown {
    const read = this.#look(name, key);
    if (!this.#hasRead(read)) {
      this.buckets.push(read);
      this.#bucketSet?.add(read);
    }
    return read[1];
  }

  fact<T extends FactValue>(name: string, select: (node: unknown) => T): T {
    const known = this.#fact(name);
    if (known) return known.value as T;
    const value = select(this.#node);
    this.#addFact({ name, select, value });
    return value;
  }

  project<A, V extends object>(query: Query<A, V, AnyBuckets, unknown>, argument: A): V {
    const key = query.key(argument);
    const name = `project ${query.name} ${typeof key === "string" ? key : identityOf(key)}`;
    return this.fact(name, (node) => this.#follow(query as AnyQuery, argument, node).value as V);
  }

  ask<A, V>(query: Query<A, V, AnyBuckets, unknown>, argument: A): V {
    const dependency = this.#follow(query as AnyQuery, argument, this.#node);
    if (this.#addDependency(dependency))
      for (const fact of dependency.facts) if (!this.#fact(fact.name)) this.#addFact(fact);
    return dependency.value as V;
  }

  #hasRead(read: BucketRead): boolean {
    if (this.buckets.length <= FEW) return this.buckets.includes(read);
    this.#bucketSet ??= new Set(this.buckets);
    return this.#bucketSet.has(read);
  }

  #fact(name: string): Fact | undefined {
    if (this.facts.length > FEW) {
      this.#factsByName ??= new Map(this.facts.map((fact) => [fact.name, fact]));
      return this.#factsByName.get(name);
    }
    for (const fact of this.facts) if (fact.name === name) return fact;
    return undefined;
  }

  #addFact(fact: Fact): void {
    this.facts.push(fact);
    this.#factsByName?.set(fact.name, fact);
  }

  #addDependency(dependency: Cell): boolean {
    if (this.dependencies.length > FEW) {
      this.#dependencySet ??= new Set(this.dependencies);
      if (this.#dependencySet.has(dependency)) return false;
      this.#dependencySet.add(dependency);
    } else if (this.dependencies.includes(dependency)) return false;
    this.dependencies.push(dependency);
    return true;
  }
}

function suspect(start: Cell): void {
  const stack = [start];
  for (let cell = stack.pop(); cell; cell = stack.pop()) {
    if (cell.suspect) continue;
    cell.suspect = true;
    for (const dependent of membersOf(cell.dependents)) stack.push(dependent);
  }
}

function sameInOrder<T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!same(a[index] as T, b[index] as T)) return false;
  return true;
}

function keyText({ key }: Entry): string {
  return typeof key === "string" ? key : `object ${identityOf(key)}`;
}
