import type { ConfigObject, MeshConfig, MeshNetworks } from "@fairlead/config";
import { type CompliancePolicy, type KeySet, Mesh, type MeshChanges } from "@fairlead/mesh";
import { type Change, type Collection, entriesOf, type Unsubscribe } from "@fairlead/model";
import type { Registry } from "@fairlead/registry";
import { type Clock, Debounce, type DebounceOptions } from "./scheduler.ts";

/** Mesh-wide settings, as they are now and as they change. */
export interface MeshSettings {
  readonly meshConfig: MeshConfig;
  readonly meshNetworks: MeshNetworks | undefined;
  subscribe(listener: () => void): Unsubscribe;
}

export interface MeshFeedOptions {
  readonly config: Collection<ConfigObject>;
  readonly registry: Registry;
  readonly settings: MeshSettings;
  /** Fetched keys of token issuers, by URL. */
  readonly keySets?: Collection<KeySet>;
  readonly compliancePolicy?: CompliancePolicy;
  readonly clock: Clock;
  readonly debounce?: DebounceOptions;
  /** Whether {@link MeshFeed.stable} stays without new configuration until {@link MeshFeed.release}. Default: no. */
  readonly holdsConfig?: boolean;
  /** Called with each new mesh, and whether its configuration is another than before. */
  readonly onMesh: (mesh: Mesh, isConfigNew: boolean) => void;
}

type Pending = Map<string, Change<never>>;

/** Keeps a mesh up to date with its sources: changes are gathered, joined per object and applied as one. */
export class MeshFeed {
  #mesh: Mesh;
  #stable: Mesh;
  readonly #options: MeshFeedOptions;
  readonly #pending = new Map<keyof MeshChanges, Pending>();
  readonly #subscriptions: Unsubscribe[] = [];
  readonly #debounce: Debounce;
  #settingsChanged = false;

  /** The sources must be ready: their present state is the first mesh. */
  constructor(options: MeshFeedOptions) {
    this.#options = options;
    const { config, registry, settings } = options;
    this.#debounce = new Debounce(() => this.#apply(), options.clock, options.debounce);
    this.#watch("config", config);
    this.#watch("services", registry.services);
    this.#watch("endpoints", registry.endpoints);
    this.#watch("workloads", registry.workloads);
    this.#watch("namespaces", registry.namespaces);
    if (options.keySets) this.#watch("keySets", options.keySets);
    this.#subscriptions.push(
      settings.subscribe(() => {
        this.#settingsChanged = true;
        this.#debounce.touch();
      }),
    );
    this.#mesh = Mesh.of({
      meshConfig: settings.meshConfig,
      ...(settings.meshNetworks ? { meshNetworks: settings.meshNetworks } : {}),
      ...(options.compliancePolicy ? { compliancePolicy: options.compliancePolicy } : {}),
      config: config.values(),
      services: registry.services.values(),
      endpoints: entriesOf(registry.endpoints),
      workloads: registry.workloads.values(),
      namespaces: registry.namespaces.values(),
    });
    this.#stable = this.#mesh;
  }

  get mesh(): Mesh {
    return this.#mesh;
  }

  /** The mesh with the configuration of the last release, and with all else as it is now: endpoints do not wait. */
  get stable(): Mesh {
    return this.#stable;
  }

  /** What was held back counts from now on. */
  release(): void {
    this.#stable = this.#mesh;
  }

  /** Takes what waits into the mesh now. */
  flush(): void {
    this.#debounce.flush();
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#debounce.close();
  }

  #watch<V>(name: keyof MeshChanges, collection: Collection<V>): void {
    const pending: Pending = new Map();
    this.#pending.set(name, pending);
    this.#subscriptions.push(
      collection.subscribe((changes) => {
        for (const change of changes as readonly Change<never>[]) {
          const earlier = pending.get(change.key);
          pending.set(change.key, earlier ? { ...change, previous: earlier.previous as never } : change);
        }
        this.#debounce.touch();
      }),
    );
  }

  #apply(): void {
    const changes: Record<string, unknown> = {};
    for (const [name, pending] of this.#pending) {
      changes[name] = [...pending.values()].filter((change) => change.value !== change.previous);
      pending.clear();
    }
    const { settings } = this.#options;
    if (this.#settingsChanged) {
      changes.meshConfig = settings.meshConfig;
      changes.meshNetworks = settings.meshNetworks ?? {};
      this.#settingsChanged = false;
    }
    const mesh = this.#mesh.apply(changes as MeshChanges);
    if (mesh === this.#mesh) return;
    const { now, isHeld } = this.#options.holdsConfig
      ? withoutConfig(changes as MeshChanges)
      : { now: {}, isHeld: false };
    if (this.#stable === this.#mesh && !isHeld) this.#stable = mesh;
    else this.#stable = this.#stable.apply(now);
    this.#mesh = mesh;
    this.#options.onMesh(mesh, isHeld);
  }
}

/** The changes that are no configuration: neither objects and settings nor the services of ServiceEntries. */
function withoutConfig(changes: MeshChanges): { readonly now: MeshChanges; readonly isHeld: boolean } {
  const { config = [], services = [], meshConfig, meshNetworks, ...now } = changes;
  const isWritten = ({ value, previous }: (typeof services)[number]) =>
    (value ?? previous)?.source.kind === "ServiceEntry";
  return {
    now: { ...now, services: services.filter((change) => !isWritten(change)) },
    isHeld: config.length > 0 || meshConfig !== undefined || meshNetworks !== undefined || services.some(isWritten),
  };
}
