import {
  Backoff,
  type BackoffOptions,
  type Change,
  type Collection,
  type Diagnostic,
  MemoryCollection,
  realSleep,
  type Sleep,
  type Unsubscribe,
} from "@fairlead/model";
import { type KubernetesClient, type ListScope, selectors } from "./client.ts";
import { KubernetesError } from "./kubernetes-error.ts";
import { type KubernetesObject, keyOf, sameMeaning } from "./object.ts";
import type { ResourceType } from "./resource-type.ts";
import { transportError } from "./transport.ts";
import { watchEvents } from "./watch-events.ts";

export interface ListWatchOptions extends ListScope {
  /** What makes a new version worth telling. Default: anything but the resource version and managed fields. */
  readonly equal?: (a: KubernetesObject, b: KubernetesObject) => boolean;
  readonly backoff?: BackoffOptions;
  readonly sleep?: Sleep;
  /** Seconds after which the server is to end a watch; up to as much again is added at random. Default 300. */
  readonly watchSeconds?: number;
  /** Longest event, in characters. Default 16 Mi. */
  readonly maxEventLength?: number;
}

/** The objects of one type on an API server, as they are and as they change, by `Kind/namespace/name`. */
export interface WatchedObjects extends Collection<KubernetesObject> {
  /** What keeps it from being up to date now: the last failure, until the server answers again. */
  diagnostics(): readonly Diagnostic[];
  /** Ends the watch; the objects stay readable. Idempotent. Aborting `signal` or closing the client does the same. */
  close(): void;
}

/**
 * Lists, then watches from there; goes on from the last resource version when a watch ends or breaks, and lists again when
 * the server no longer knows that version (410 Gone). A list again emits only what differs. Failures are retried for
 * ever, ever more slowly, and shown in `diagnostics()`; `ready` rejects only when it is closed before the first list.
 *
 * Source: Kubernetes API concepts, "Efficient detection of changes".
 */
export function listWatch(
  client: KubernetesClient,
  type: ResourceType,
  options: ListWatchOptions = {},
): WatchedObjects {
  return new ListWatch(client, type, options);
}

class ListWatch implements WatchedObjects {
  readonly ready: Promise<void>;
  readonly #client: KubernetesClient;
  readonly #type: ResourceType;
  readonly #options: ListWatchOptions;
  readonly #objects: MemoryCollection<KubernetesObject>;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #backoff: Backoff;
  readonly #listed = Promise.withResolvers<void>();
  #resourceVersion: string | undefined;
  #failure: KubernetesError | undefined;

  constructor(client: KubernetesClient, type: ResourceType, options: ListWatchOptions) {
    this.#client = client;
    this.#type = type;
    this.#options = options;
    this.#objects = new MemoryCollection(options.equal ?? sameMeaning);
    this.#backoff = new Backoff(options.backoff);
    const { signal } = options;
    this.#signal = AbortSignal.any([this.#closing.signal, client.closed, ...(signal ? [signal] : [])]);
    this.ready = this.#listed.promise;
    // Whoever waits on it sees the failure; nobody has to.
    this.ready.catch(() => undefined);
    void this.#run();
  }

  get(key: string): KubernetesObject | undefined {
    return this.#objects.get(key);
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  values(): Iterable<KubernetesObject> {
    return this.#objects.values();
  }

  subscribe(listener: (changes: readonly Change<KubernetesObject>[]) => void): Unsubscribe {
    return this.#objects.subscribe(listener);
  }

  diagnostics(): readonly Diagnostic[] {
    if (this.#failure === undefined) return [];
    const message = `${this.#type.plural} cannot be watched: ${this.#failure.message}`;
    return [{ code: `kubernetes-${this.#failure.code}`, severity: "error", path: "", message }];
  }

  close(): void {
    this.#closing.abort(new KubernetesError("closed", "the watch is closed"));
  }

  async #run(): Promise<void> {
    const sleep = this.#options.sleep ?? realSleep;
    while (!this.#signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#signal.aborted) break;
        const failure =
          error instanceof KubernetesError
            ? error
            : transportError(`watch of ${this.#type.plural}`, error, this.#signal);
        if (failure.code === "gone") {
          this.#resourceVersion = undefined;
          // A server that answers every version with 410 is not asked without a pause.
          await sleep(this.#backoff.next(), this.#signal);
          continue;
        }
        this.#failure = failure;
        const asked = (failure.retryAfterSeconds ?? 0) * 1000;
        await sleep(Math.max(asked, this.#backoff.next()), this.#signal);
      }
    }
    this.#listed.reject(
      new KubernetesError("closed", `the watch of ${this.#type.plural} was closed before it was ready`),
    );
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(this.#type, { ...this.#options, signal: this.#signal });
    if (this.#signal.aborted) return;
    this.#objects.replace(new Map(items.map((item) => [keyOf(item), item])));
    this.#succeeded(resourceVersion);
    this.#listed.resolve();
  }

  async #watch(): Promise<void> {
    const { watchSeconds = 300, maxEventLength = 16 * 1024 * 1024, namespace, backoff } = this.#options;
    const seconds = Math.ceil(watchSeconds * (1 + (backoff?.random ?? Math.random)()));
    const query = selectors(this.#options);
    query.set("watch", "1");
    query.set("allowWatchBookmarks", "true");
    query.set("resourceVersion", this.#resourceVersion ?? "");
    query.set("timeoutSeconds", String(seconds));
    // A connection that died without a word is noticed at the latest when the server should have ended the watch.
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout((seconds + 30) * 1000)]);
    const body = await this.#client.watch(this.#type, query, { ...(namespace !== undefined && { namespace }), signal });
    this.#failure = undefined;
    let events = 0;
    for await (const batch of watchEvents(body, maxEventLength)) {
      if (this.#signal.aborted) return;
      events += batch.length;
      // Later events of a batch supersede earlier ones of the same object.
      const edits = new Map<string, KubernetesObject | undefined>();
      let version = this.#resourceVersion;
      for (const { type, object } of batch) {
        if (type !== "BOOKMARK") edits.set(keyOf(object), type === "DELETED" ? undefined : object);
        version = object.metadata.resourceVersion ?? version;
      }
      this.#objects.apply(edits);
      this.#succeeded(version);
    }
    // A server that ends every watch at once is not asked without a pause.
    if (events === 0 && !this.#signal.aborted)
      await (this.#options.sleep ?? realSleep)(this.#backoff.next(), this.#signal);
  }

  #succeeded(resourceVersion: string | undefined): void {
    this.#resourceVersion = resourceVersion;
    this.#failure = undefined;
    this.#backoff.reset();
  }
}
