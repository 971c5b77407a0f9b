import { type Diagnostic, type ObjectRef, objectKey, type Position, structurallyEqual } from "@fairlead/model";
import type { Etcd3, IKeyValue, IWatchResponse, Watcher } from "etcd3";
import { ConfigError } from "../common/config-error.ts";
import type { ConfigObject } from "../object.ts";
import { HeldObjects } from "../stores/held-objects.ts";
import type { StoredObject, StoreEdit, WritableStore } from "../stores/store.ts";
import { type PlannedWrite, planWrites, type WritePlan } from "../stores/write-plan.ts";
import { type Entry, type PartName, printEntry, readEntry, readKey } from "./entry.ts";

export interface EtcdStoreOptions {
  /** A client of etcd's v3 API. Whoever made it closes it, after the store. */
  readonly client: Etcd3;
  /** Where the objects are. Default: `/fairlead/config/`. */
  readonly prefix?: string;
  /** Milliseconds since 1970, for `metadata.creationTimestamp` of new objects. Default: the system's clock. */
  readonly now?: () => number;
}

/** A store in etcd, shared by all that use the same prefix. Whoever made it closes it. */
export interface EtcdStore extends WritableStore, AsyncDisposable {
  close(): Promise<void>;
}

/** Objects read at a time: etcd answers a range in one message. */
const PAGE = 500;
/** Operations of one transaction that etcd takes by default (`--max-txn-ops`). */
const MAX_OPERATIONS = 128;
/** How often a write without an expectation is tried over what others write meanwhile. */
const ATTEMPTS = 20;

/**
 * Configuration in etcd: objects as JSON under `objects/Kind/namespace/name`, statuses apart under `status/…`, so that a
 * status never conflicts with a change of the object. A revision is etcd's. A transaction is one of etcd's, so it holds at
 * most 128 writes (else ConfigError `UNSUPPORTED`). The watch goes on after a lost connection; where etcd no longer knows
 * the revision (compaction), everything is read again and only what differs is told. What etcd holds and is not valid is
 * in `diagnostics()`, and its last good version stays in force.
 *
 * Source: etcd v3 API, "Interacting with etcd" (revisions, transactions, watches).
 */
export function etcdStore(options: EtcdStoreOptions): EtcdStore {
  return new Store(options);
}

class Store extends HeldObjects implements EtcdStore {
  readonly ready: Promise<void>;
  readonly #client: Etcd3;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #stored = new Map<string, StoredObject>();
  readonly #found = new Map<string, readonly Diagnostic[]>();
  readonly #opened = Promise.withResolvers<void>();
  #watcher: Watcher | undefined;
  #failure: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ client, prefix = "/fairlead/config/", now = Date.now }: EtcdStoreOptions) {
    super();
    this.#client = client;
    this.#prefix = prefix;
    this.#now = now;
    this.ready = this.#opened.promise;
    // Who never looks at `ready` learns of it by `diagnostics`, not by a crash.
    this.ready.catch(() => undefined);
    void this.#follow();
  }

  stored(ref: ObjectRef): StoredObject | undefined {
    return this.#stored.get(objectKey(ref));
  }

  async transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const plan = planWrites(edits, (ref) => this.stored(ref));
      if (await this.#commit(plan)) return plan.warnings;
      // Somebody wrote in between: with what they wrote, an expectation fails, and a write without one is made anew.
      await this.#refresh(plan.writes.map(({ key }) => key));
    }
    throw new ConfigError("CONFLICT", `others kept writing the same objects; given up after ${ATTEMPTS} attempts`);
  }

  diagnostics(): readonly Diagnostic[] {
    const found = [...this.#found.values()].flat();
    if (this.#failure === undefined) return found;
    const message = `etcd cannot be read: ${this.#failure}`;
    return [...found, { code: "etcd-unavailable", severity: "error", path: "", message }];
  }

  locate(): Position | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#opened.reject(new ConfigError("UNAVAILABLE", "the store was closed before it was ready"));
    await this.#watcher?.cancel().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Writes the plan if etcd still holds what it was made from. */
  async #commit({ writes }: WritePlan): Promise<boolean> {
    const changing = writes.filter(({ before, after }) => before !== undefined || after !== undefined);
    const edits = changing.flatMap((write) => this.#texts(write));
    const [first, ...others] = changing;
    if (first === undefined || edits.length === 0) return true;
    if (edits.length > MAX_OPERATIONS)
      throw new ConfigError("UNSUPPORTED", `${edits.length} writes in one transaction; etcd takes ${MAX_OPERATIONS}`);
    let transaction = this.#client.if(this.#key("objects", first.key), "Mod", "==", this.#revision(first.key));
    for (const { key } of others)
      transaction = transaction.and(this.#key("objects", key), "Mod", "==", this.#revision(key));
    const operations = edits.map(({ part, key, text }) =>
      text === undefined
        ? this.#client.delete().key(this.#key(part, key))
        : this.#client.put(this.#key(part, key)).value(text),
    );
    const { succeeded, header } = await this.#asked(() => transaction.then(...operations).commit());
    const revision = Number(header.revision);
    // Readable here at once; what the watch says of it later is known then.
    if (succeeded) this.#take(edits.map((edit) => ({ ...edit, revision })));
    return succeeded;
  }

  /** What is written of an object and of its status, as far as it changes. */
  #texts({ key, before, after }: PlannedWrite): readonly Omit<Edit, "revision">[] {
    if (after === undefined)
      return [
        { part: "objects", key, text: undefined },
        { part: "status", key, text: undefined },
      ];
    const created = {
      ...after,
      metadata: { uid: crypto.randomUUID(), creationTimestamp: new Date(this.#now()).toISOString(), ...after.metadata },
    };
    const text = printEntry(before === undefined ? created : after);
    const edits: Omit<Edit, "revision">[] = [];
    if (text !== this.#entries.get(key)?.objects?.text) edits.push({ part: "objects", key, text });
    if (!structurallyEqual(before?.object.status, after.status))
      edits.push({ part: "status", key, text: after.status === undefined ? undefined : JSON.stringify(after.status) });
    return edits;
  }

  #revision(key: string): number {
    const { text, revision } = this.#entries.get(key)?.objects ?? {};
    return text === undefined ? 0 : (revision ?? 0);
  }

  #key(part: PartName, key: string): string {
    return `${this.#prefix}${part}/${key}`;
  }

  /** Reads all, then follows from there; on a failure again, ever more slowly. */
  async #follow(): Promise<void> {
    try {
      const revision = await this.#load();
      if (this.#closed) return;
      const watcher = await this.#client
        .watch()
        .prefix(this.#prefix)
        .startRevision(String(revision + 1))
        .create();
      this.#watcher = watcher;
      if (this.#closed) return void (await watcher.cancel().catch(() => undefined));
      watcher.on("data", (response) => this.#takeEvents(response));
      watcher.on("disconnected", (error) => {
        this.#failure = error.message;
      });
      watcher.on("connected", () => {
        this.#failure = undefined;
      });
      // A watch that etcd ends (its revision was compacted away) begins anew.
      watcher.on("error", (error) => this.#again(error));
      this.#failure = undefined;
      this.#failures = 0;
      this.#opened.resolve();
    } catch (error) {
      this.#again(error as Error);
    }
  }

  #again(error: Error): void {
    if (this.#closed) return;
    this.#failure = error.message;
    const delay = Math.min(30_000, 100 * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
    this.#watcher?.removeAllListeners();
    this.#watcher = undefined;
    this.#timer = setTimeout(() => void this.#follow(), delay);
  }

  /** Everything below the prefix, at one revision of etcd, which it gives. What is not there any more goes. */
  async #load(): Promise<number> {
    const end = `${this.#prefix.slice(0, -1)}${String.fromCharCode(this.#prefix.charCodeAt(this.#prefix.length - 1) + 1)}`;
    const edits: Edit[] = [];
    let revision = 0;
    for (let start = this.#prefix; ; ) {
      const range = this.#client.getAll().inRange({ start, end }).limit(PAGE).sort("Key", "Ascend");
      const { kvs, more, header } = await this.#asked(() => (revision > 0 ? range.revision(revision) : range).exec());
      if (revision === 0) revision = Number(header.revision);
      edits.push(...kvs.flatMap((kv) => this.#editOf(kv, false)));
      const last = kvs.at(-1);
      if (!more || last === undefined) break;
      start = `${last.key.toString()}\0`;
    }
    const there = new Set(edits.map(({ part, key }) => `${part}/${key}`));
    for (const [key, entry] of this.#entries)
      for (const part of PARTS)
        if (entry[part]?.text !== undefined && !there.has(`${part}/${key}`))
          edits.push({ part, key, text: undefined, revision });
    if (!this.#closed) this.#take(edits);
    return revision;
  }

  /** What etcd holds now of these objects. */
  async #refresh(keys: readonly string[]): Promise<void> {
    const edits = await Promise.all(
      keys.flatMap((key) =>
        PARTS.map(async (part): Promise<Edit> => {
          const { kvs, header } = await this.#asked(() => this.#client.get(this.#key(part, key)).exec());
          const [kv] = kvs;
          if (kv === undefined) return { part, key, text: undefined, revision: Number(header.revision) };
          return { part, key, text: kv.value.toString(), revision: Number(kv.mod_revision) };
        }),
      ),
    );
    this.#take(edits);
  }

  #takeEvents({ events }: IWatchResponse): void {
    this.#take(events.flatMap(({ type, kv }) => this.#editOf(kv, String(type) === "Delete")));
  }

  #editOf(kv: IKeyValue, deleted: boolean): readonly Edit[] {
    const read = readKey(kv.key.toString().slice(this.#prefix.length));
    if (read === undefined) return [];
    const text = deleted ? undefined : kv.value.toString();
    return [{ part: read.part, key: read.objectKey, text, revision: Number(kv.mod_revision) }];
  }

  /** Takes in what is newer than what is known, as one batch for the listeners. */
  #take(edits: readonly Edit[]): void {
    const touched = new Set<string>();
    for (const { part, key, text, revision } of edits) {
      const entry = this.#entries.get(key) ?? {};
      if ((entry[part]?.revision ?? -1) >= revision) continue;
      this.#entries.set(key, { ...entry, [part]: { text, revision } });
      touched.add(key);
    }
    const changes: [string, ConfigObject | undefined][] = [];
    for (const key of touched) {
      const entry = this.#entries.get(key) ?? {};
      this.#found.delete(key);
      if (entry.objects?.text === undefined) {
        this.#stored.delete(key);
        changes.push([key, undefined]);
        continue;
      }
      const { object, diagnostics } = readEntry(key, entry);
      if (diagnostics.length > 0) this.#found.set(key, diagnostics);
      if (object === undefined) continue;
      const revision = String(entry.objects.revision);
      const metadata = { ...object.metadata, resourceVersion: revision };
      this.#stored.set(key, { object: { ...object, metadata }, revision });
      changes.push([key, { ...object, metadata }]);
    }
    this.objects.apply(changes);
  }

  async #asked<T>(call: () => PromiseLike<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      const message = `etcd did not answer: ${(cause as Error).message}`;
      throw new ConfigError("UNAVAILABLE", message, { cause });
    }
  }
}

const PARTS: readonly PartName[] = ["objects", "status"];

interface Edit {
  readonly part: PartName;
  /** `Kind/namespace/name`. */
  readonly key: string;
  readonly text: string | undefined;
  readonly revision: number;
}
