import { type KubernetesClient, type ListWatchOptions, listWatch, type WatchedObjects } from "@fairlead/kubernetes";
import { type Collection, type Diagnostic, realSleep } from "@fairlead/model";
import { objectDocument, type ParsedDocument, type ParseResult } from "../parse/documents.ts";
import { DocumentSet } from "../stores/documents.ts";
import { DOCUMENT_TYPES, servedTypes, type WantedType } from "./types.ts";

export interface KubernetesDocumentsOptions {
  /** Whoever made it closes it, afterwards. */
  readonly client: KubernetesClient;
  /** Only objects of this namespace (cluster-wide types aside). Default: of all. */
  readonly namespace?: string;
  /** How lists and watches are made. */
  readonly watch?: Omit<ListWatchOptions, "namespace" | "signal">;
  /** Milliseconds between looks for types that the server does not serve, or not to this client. Default 30,000. */
  readonly discoveryInterval?: number;
}

/** What a cluster has besides Istio's kinds. Whoever made it closes it. */
export interface KubernetesDocuments extends Disposable {
  /** By `objectKey`, as the stores over texts have them; an object that breaks stays as it was. */
  readonly documents: Collection<ParsedDocument>;
  /** What may not be read, which watch is behind, which objects are broken. */
  diagnostics(): readonly Diagnostic[];
  close(): void;
}

/**
 * The objects on a Kubernetes API server that a mesh is made of besides Istio's kinds (those are `kubernetesStore`'s), by list and
 * watch: Services, Pods, EndpointSlices, Namespaces, Nodes, Secrets, ConfigMaps, Ingresses and the Gateway API, as the
 * `documents` that registries, credentials and control planes read. What the client may not list is said in `diagnostics()`,
 * the rest is followed; both this and what is not served yet are looked for again.
 */
export function kubernetesDocuments(options: KubernetesDocumentsOptions): KubernetesDocuments {
  return new ClusterDocuments(options);
}

class ClusterDocuments implements KubernetesDocuments {
  readonly documents: Collection<ParsedDocument>;
  readonly #set = new DocumentSet();
  readonly #options: KubernetesDocumentsOptions;
  readonly #watches = new Map<string, WatchedObjects>();
  readonly #closing = new AbortController();
  #forbidden: readonly WantedType[] = [];
  #failure: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: KubernetesDocumentsOptions) {
    this.#options = options;
    this.#set.ready = this.#start();
    // Who never looks at `ready` learns of it by `diagnostics`, not by a crash.
    this.#set.ready.catch(() => undefined);
    const { documents, ready } = this.#set;
    this.documents = {
      ready,
      get: (key) => documents.get(key),
      keys: () => documents.keys(),
      values: () => documents.values(),
      subscribe: (listener) => documents.subscribe(listener),
    };
  }

  diagnostics(): readonly Diagnostic[] {
    const problem = (code: string, severity: "warning" | "error", message: string) =>
      ({ code, severity, path: "", message }) as const;
    const found: Diagnostic[] = [...this.#watches.values()].flatMap((watch) => watch.diagnostics());
    if (this.#failure !== undefined) found.push(problem("kubernetes-discovery", "error", this.#failure));
    for (const { plural } of this.#forbidden)
      found.push(problem("kubernetes-forbidden", "warning", `${plural} may not be listed: they are left out`));
    return [...found, ...this.#set.diagnostics()];
  }

  close(): void {
    this.#closing.abort(new Error("the documents were closed"));
    clearTimeout(this.#timer);
    for (const watch of this.#watches.values()) watch.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #start(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures++) {
      const opened = await this.#discover();
      if (this.#failure === undefined) return void (await Promise.all(opened.map((watch) => watch.ready)));
      await realSleep(Math.min(30_000, 100 * 2 ** failures), signal);
    }
    throw signal.reason;
  }

  /** Follows what is served and not followed yet. */
  async #discover(): Promise<readonly WatchedObjects[]> {
    const { client, namespace, watch: options, discoveryInterval = 30_000 } = this.#options;
    const { signal } = this.#closing;
    const opened: WatchedObjects[] = [];
    try {
      const open = DOCUMENT_TYPES.filter(
        ({ plural, apiVersions }) => !this.#watches.has(`${apiVersions[0]} ${plural}`),
      );
      const { served, missing, forbidden } = await servedTypes(client, open, { namespace, signal });
      this.#forbidden = forbidden;
      this.#failure = undefined;
      if (signal.aborted) return opened;
      for (const type of served) {
        const watch = listWatch(client, type, {
          ...options,
          ...(type.namespaced && namespace !== undefined && { namespace }),
        });
        const name = open.find(({ kind, apiVersions }) => kind === type.kind && apiVersions.includes(type.apiVersion));
        this.#watches.set(`${name?.apiVersions[0]} ${type.plural}`, watch);
        watch.subscribe((changes) =>
          this.#set.apply(changes.map(({ key, value }) => [`${type.apiVersion} ${key}`, read(value)])),
        );
        opened.push(watch);
      }
      if (missing.length + forbidden.length > 0) this.#lookAgain(discoveryInterval);
    } catch (error) {
      this.#failure = `the API server cannot be asked for its kinds: ${(error as Error).message}`;
      if (this.#watches.size > 0) this.#lookAgain(discoveryInterval);
    }
    return opened;
  }

  #lookAgain(milliseconds: number): void {
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#discover(), milliseconds);
    this.#timer.unref?.();
  }
}

function read(value: object | undefined): ParseResult | undefined {
  if (value === undefined) return undefined;
  const document = objectDocument(value);
  return { documents: document ? [document] : [], diagnostics: document?.diagnostics ?? [] };
}
