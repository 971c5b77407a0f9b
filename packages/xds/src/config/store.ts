import {
  type ConfigObject,
  type ConfigStore,
  KINDS,
  type KindName,
  sameMeaning,
  validateObject,
} from "@fairlead/config";
import { type Diagnostic, MemoryCollection, type NodeJson, objectKey } from "@fairlead/model";
import {
  createDiscoveryClient,
  type DiscoveryClient,
  type DiscoveryClientOptions,
} from "../client/discovery-client.ts";
import type { ReceivedResource, Update } from "../client/update.ts";
import { configTypeUrl, decodeConfig, kindOfTypeUrl } from "./envelope.ts";

export interface XdsConfigOptions
  extends Pick<DiscoveryClientOptions, "address" | "credentials" | "metadata" | "backoff"> {
  /** Default `sotw`, which is what istiod speaks to its own configuration sources. */
  readonly mode?: "sotw" | "delta";
  /** Default: all. */
  readonly kinds?: readonly KindName[];
  /** Called whenever what is wrong has changed, with all that is wrong now; also when the other side goes or comes back. */
  readonly onDiagnostics?: (diagnostics: readonly Diagnostic[]) => void;
  /** Who asks. `GENERATOR: api` is added to its metadata. Default: a waypoint `fairlead` in `istio-system`. */
  readonly node?: NodeJson;
}

/** Configuration from another control plane. Whoever made it closes it. */
export interface XdsConfigStore extends ConfigStore, Disposable {
  /** Whether the other control plane is reached; what was received stays in force while it is not. */
  readonly connected: boolean;
  /** Ends the stream; what was received stays readable. */
  close(): void;
}

/**
 * A store of what another control plane serves as configuration: one of ours, or istiod. Read only. `ready` resolves when
 * every kind was answered, and waits as long as nobody answers. Every object is validated: what is broken leaves its last
 * good version in force and is in `diagnostics()`; the rest of a response is taken.
 */
export function xdsConfigStore(options: XdsConfigOptions): XdsConfigStore {
  return new ReceivedConfig(options);
}

/** istiod tells a sidecar only of what concerns it, also of configuration; a waypoint is told of every change. */
const OWN_NODE: NodeJson = {
  id: "waypoint~127.0.0.1~fairlead.istio-system~istio-system.svc.cluster.local",
  metadata: { ISTIO_VERSION: "65536.65536.65536" },
};

/** istiod gives each WasmPlugin on as a TrafficExtension of its own making, too. */
const TRANSLATED = "~istio-translated-wasmplugin";

class ReceivedConfig extends MemoryCollection<ConfigObject> implements XdsConfigStore {
  override readonly ready: Promise<void>;
  readonly #client: DiscoveryClient;
  readonly #full: boolean;
  readonly #awaited: Set<string>;
  #resolve: () => void = () => undefined;
  /** By key: what is wrong with an object. */
  readonly #found = new Map<string, readonly Diagnostic[]>();
  /** By key: what came last, a copy of it. */
  readonly #bytes = new Map<string, Uint8Array>();
  #lost: Diagnostic | undefined;
  readonly #onDiagnostics: XdsConfigOptions["onDiagnostics"];
  #reported = "[]";

  constructor({
    mode = "sotw",
    kinds = Object.keys(KINDS) as readonly KindName[],
    node = OWN_NODE,
    onDiagnostics,
    ...connection
  }: XdsConfigOptions) {
    super(sameMeaning);
    this.#full = mode === "sotw";
    this.#onDiagnostics = onDiagnostics;
    const typeUrls = kinds.map(configTypeUrl);
    this.#awaited = new Set(typeUrls);
    this.ready = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#client = createDiscoveryClient({
      ...connection,
      mode,
      node: { ...node, metadata: { ...node.metadata, GENERATOR: "api" } },
      subscriptions: Object.fromEntries(typeUrls.map((typeUrl) => [typeUrl, ["*"]])),
      onResources: (update) => this.#take(update),
      onDisconnect: (error) => {
        const reason = error.message.replace(/\s*Resolution note:\s*$/, "");
        const message = `no configuration from ${connection.address}: ${reason}`;
        this.#lost = { code: "not-connected", severity: "warning", path: "", message };
        this.#report();
      },
    });
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  diagnostics(): readonly Diagnostic[] {
    return [...(this.#lost ? [this.#lost] : []), ...[...this.#found.values()].flat()];
  }

  locate(): undefined {
    return undefined;
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take({ typeUrl, resources, removed }: Update): undefined {
    this.#lost = undefined;
    const kind = kindOfTypeUrl(typeUrl)?.kind;
    if (kind === undefined) return;
    const edits = new Map<string, ConfigObject | undefined>();
    const present = new Set<string>();
    for (const resource of resources) {
      if (resource.name.endsWith(TRANSLATED)) continue;
      const key = keyOf(kind, resource.name);
      present.add(key);
      // Most of a full state is what it was.
      const known = this.#bytes.get(key);
      if (known && Buffer.compare(known, resource.bytes) === 0) continue;
      this.#bytes.set(key, Uint8Array.from(resource.bytes));
      const { object, diagnostics } = read(kind, typeUrl, resource);
      if (diagnostics.length > 0) this.#found.set(key, diagnostics);
      else this.#found.delete(key);
      if (object) edits.set(key, object);
    }
    const gone = this.#full
      ? [...this.#bytes.keys()].filter((key) => key.startsWith(`${kind}/`) && !present.has(key))
      : removed.map((name) => keyOf(kind, name));
    for (const key of gone) {
      this.#found.delete(key);
      this.#bytes.delete(key);
      edits.set(key, undefined);
    }
    this.apply(edits);
    this.#report();
    if (this.#awaited.delete(typeUrl) && this.#awaited.size === 0) this.#resolve();
  }

  #report(): void {
    const diagnostics = this.diagnostics();
    const text = JSON.stringify(diagnostics);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#onDiagnostics?.(diagnostics);
  }
}

function keyOf(kind: KindName, name: string): string {
  const slash = name.indexOf("/");
  return objectKey({ kind, namespace: name.slice(0, Math.max(0, slash)), name: name.slice(slash + 1) });
}

function read(
  kind: KindName,
  typeUrl: string,
  { name, bytes }: ReceivedResource,
): { readonly object: ConfigObject | undefined; readonly diagnostics: readonly Diagnostic[] } {
  try {
    const object = decodeConfig(typeUrl, bytes);
    const diagnostics = validateObject(object);
    const valid = !diagnostics.some(({ severity }) => severity === "error");
    return { object: valid ? object : undefined, diagnostics };
  } catch (error) {
    const slash = name.indexOf("/");
    const ref = { kind, namespace: name.slice(0, Math.max(0, slash)), name: name.slice(slash + 1) };
    const message = `is not what was agreed on: ${error instanceof Error ? error.message : error}`;
    return {
      object: undefined,
      diagnostics: [{ code: "unreadable", severity: "error", path: "", message, object: ref }],
    };
  }
}
