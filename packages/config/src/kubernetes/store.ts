import {
  type KubernetesClient,
  KubernetesError,
  type KubernetesObject,
  type ListWatchOptions,
  listWatch,
  type ResourceType,
  type WatchedObjects,
} from "@fairlead/kubernetes";
import { type Diagnostic, type ObjectRef, objectKey, type Position } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import { KINDS, type KindDefinition, type KindName } from "../kinds.ts";
import type { ConfigObject } from "../object.ts";
import { HeldObjects } from "../stores/held-objects.ts";
import type { StoredObject, StoreEdit, WritableStore } from "../stores/store.ts";
import { planWrites } from "../stores/write-plan.ts";
import { validateDocument } from "../validation/validate.ts";
import { hasArrived, writeObject } from "./write.ts";

export interface KubernetesStoreOptions {
  /** Whoever made it closes it, after the store. */
  readonly client: KubernetesClient;
  /** Only objects of this namespace. Default: of all. */
  readonly namespace?: string;
  /** Default: every kind. */
  readonly kinds?: readonly KindName[];
  /** How lists and watches are made; `namespace` and `equal` are the store's. */
  readonly watch?: Omit<ListWatchOptions, "namespace" | "equal" | "signal">;
  /** Milliseconds between looks for kinds that the server does not serve yet. Default 30,000. */
  readonly discoveryInterval?: number;
}

/** A store on a Kubernetes API server. Whoever made it closes it. */
export interface KubernetesStore extends WritableStore, Disposable {
  close(): void;
}

/** Longest time, in milliseconds, to wait until what was written comes back by the watch. */
const ARRIVAL = 10_000;
/** How often a write without an expectation is tried over what others write meanwhile. */
const ATTEMPTS = 20;

/**
 * Istio's kinds on a Kubernetes API server, by list and watch: each in the first of its API versions that the server
 * serves; kinds without a CRD are said in `diagnostics()` (severity info) and looked for again. Objects that the server holds and
 * are not valid are reported, their last good version stays in force. A revision is the resource version. The API server
 * has no transactions: `transact` takes edits of one object, and its status apart (else ConfigError `UNSUPPORTED`). Writes
 * keep metadata that is not ours (finalizers, owners).
 *
 * Source: Kubernetes API concepts, "Resource versions", "Status subresource".
 */
export function kubernetesStore(options: KubernetesStoreOptions): KubernetesStore {
  return new Store(options);
}

class Store extends HeldObjects implements KubernetesStore {
  readonly ready: Promise<void>;
  readonly #options: KubernetesStoreOptions;
  readonly #types = new Map<KindName, ResourceType>();
  readonly #watches = new Map<KindName, WatchedObjects>();
  readonly #stored = new Map<string, StoredObject>();
  readonly #found = new Map<string, readonly Diagnostic[]>();
  readonly #closing = new AbortController();
  #failure: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: KubernetesStoreOptions) {
    super();
    this.#options = options;
    this.ready = this.#start();
    // Who never looks at `ready` learns of it by `diagnostics`, not by a crash.
    this.ready.catch(() => undefined);
  }

  stored(ref: ObjectRef): StoredObject | undefined {
    return this.#stored.get(objectKey(ref));
  }

  async transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]> {
    for (let attempt = 0; ; attempt++) {
      const { writes, warnings } = planWrites(edits, (ref) => this.stored(ref));
      const [write, ...others] = writes.filter(({ before, after }) => before !== undefined || after !== undefined);
      if (write === undefined) return warnings;
      if (others.length > 0)
        throw new ConfigError("UNSUPPORTED", "a Kubernetes API server writes one object at a time, not several as one");
      const raw = this.#raw(write.ref);
      try {
        const written = await writeObject(this.#options.client, this.#type(write.ref), write, raw);
        await this.#until(write.ref, () => hasArrived(this.#raw(write.ref), written));
        return warnings;
      } catch (error) {
        if (attempt >= ATTEMPTS || !isRace(error, raw)) throw asConfigError(error, raw);
        // Another was faster. What it wrote is on its way here: then an expectation fails, and a write without one is made anew.
        const { resourceVersion } = raw?.metadata ?? {};
        if (!(await this.#until(write.ref, () => this.#raw(write.ref)?.metadata.resourceVersion !== resourceVersion)))
          throw asConfigError(error, raw);
      }
    }
  }

  diagnostics(): readonly Diagnostic[] {
    const missing = this.#kinds().filter((kind) => !this.#watches.has(kind));
    const all = [
      ...[...this.#watches.values()].flatMap((watch) => watch.diagnostics()),
      ...this.#found.values(),
    ].flat();
    if (this.#failure !== undefined)
      all.push({ code: "kubernetes-discovery", severity: "error", path: "", message: this.#failure });
    else if (missing.length > 0)
      all.push({
        code: "kind-not-served",
        severity: "info",
        path: "",
        message: `the API server has no ${missing.join(", ")}`,
      });
    return all;
  }

  locate(): Position | undefined {
    return undefined;
  }

  close(): void {
    this.#closing.abort(new ConfigError("UNAVAILABLE", "the store was closed"));
    clearTimeout(this.#timer);
    for (const watch of this.#watches.values()) watch.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #kinds(): readonly KindName[] {
    return this.#options.kinds ?? (Object.keys(KINDS) as KindName[]);
  }

  async #start(): Promise<void> {
    for (let failures = 0; ; failures++) {
      const opened = await this.#discover();
      if (this.#failure === undefined) return void (await Promise.all(opened.map((watch) => watch.ready)));
      await this.#pause(Math.min(30_000, 100 * 2 ** failures));
    }
  }

  /** Follows the kinds that are served and not followed yet; those that are not served are looked for again later. */
  async #discover(): Promise<readonly WatchedObjects[]> {
    const opened: WatchedObjects[] = [];
    const served = new Map<string, Promise<readonly string[]>>();
    const resources = (apiVersion: string) => {
      const known = served.get(apiVersion) ?? this.#options.client.resources(apiVersion);
      served.set(apiVersion, known);
      return known;
    };
    try {
      for (const kind of this.#kinds()) {
        if (this.#watches.has(kind)) continue;
        const { group, versions, plural }: KindDefinition = KINDS[kind];
        for (const version of versions) {
          const apiVersion = `${group}/${version}`;
          if (!(await resources(apiVersion)).includes(plural)) continue;
          if (this.#closing.signal.aborted) break;
          opened.push(this.#open(kind, { apiVersion, kind, plural, namespaced: true }));
          break;
        }
      }
      this.#failure = undefined;
    } catch (error) {
      this.#failure = `the API server cannot be asked for its kinds: ${(error as Error).message}`;
    }
    if (this.#watches.size < this.#kinds().length && !this.#closing.signal.aborted && this.#failure === undefined) {
      this.#timer = setTimeout(() => void this.#discover(), this.#options.discoveryInterval ?? 30_000);
      this.#timer.unref?.();
    }
    return opened;
  }

  #open(kind: KindName, type: ResourceType): WatchedObjects {
    const { client, namespace, watch: options } = this.#options;
    const watch = listWatch(client, type, {
      ...options,
      ...(namespace !== undefined && { namespace }),
      // Every write counts: the revision to expect is the newest one.
      equal: (a, b) => a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion,
    });
    this.#types.set(kind, type);
    this.#watches.set(kind, watch);
    watch.subscribe((changes) => {
      const edits: [string, ConfigObject | undefined][] = [];
      for (const { key, value } of changes) {
        this.#found.delete(key);
        this.#stored.delete(key);
        if (value === undefined || value.metadata.deletionTimestamp) {
          edits.push([key, undefined]);
          continue;
        }
        const { object, diagnostics } = validateDocument(value);
        if (diagnostics.length > 0) this.#found.set(key, diagnostics);
        if (object) edits.push([key, object]);
        // What is not valid can be written over, with what is in force in its place.
        const held = object ?? this.get(key);
        if (held) this.#stored.set(key, { object: held, revision: value.metadata.resourceVersion ?? "" });
      }
      this.objects.apply(edits);
    });
    return watch;
  }

  #type({ kind }: ObjectRef): ResourceType {
    const type = this.#types.get(kind as KindName);
    if (type) return type;
    throw new ConfigError("UNSUPPORTED", `the API server has no ${kind}, or the store does not follow it`);
  }

  #raw(ref: ObjectRef): KubernetesObject | undefined {
    return this.#watches.get(ref.kind as KindName)?.get(objectKey(ref));
  }

  /** Waits for what the watch will tell of an object; false when it does not in time: a watch that is behind holds nobody up for ever. */
  #until(ref: ObjectRef, holds: () => boolean): Promise<boolean> {
    const watch = this.#watches.get(ref.kind as KindName);
    if (watch === undefined || holds()) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const unsubscribe = watch.subscribe(() => {
      if (holds()) resolve(true);
    });
    const timer = setTimeout(() => resolve(false), ARRIVAL);
    return promise.finally(() => {
      unsubscribe();
      clearTimeout(timer);
    });
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    });
  }
}

/** Whether somebody else changed, made or removed the object meanwhile. (Not found on creation means the namespace.) */
function isRace(error: unknown, raw: KubernetesObject | undefined): boolean {
  if (!(error instanceof KubernetesError)) return false;
  return error.code === "conflict" || error.code === (raw === undefined ? "already-exists" : "not-found");
}

/** Codes of answers that stay the same when asked again. */
const REFUSALS: ReadonlySet<string> = new Set(["invalid", "rejected", "forbidden", "not-found"]);

function asConfigError(error: unknown, raw: KubernetesObject | undefined): unknown {
  if (!(error instanceof KubernetesError)) return error;
  const code = isRace(error, raw) ? "CONFLICT" : REFUSALS.has(error.code) ? "REFUSED" : "UNAVAILABLE";
  return new ConfigError(code, error.message, { cause: error });
}
