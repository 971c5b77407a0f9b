import type { GatewayApiStore } from "@fairlead/config";
import { type Mesh, settingsDiagnostics, wantedKeySets } from "@fairlead/mesh";
import { type Diagnostic, type ObjectRef, objectKey, type Position, type Unsubscribe } from "@fairlead/model";
import type { MeshSource } from "@fairlead/xds";
import { createConfigSource } from "@fairlead/xds/config";
import {
  type ClientStatus,
  createDiscoveryServer,
  type DiscoveryServer,
  type EventName,
  type Holding,
  type Listener,
} from "@fairlead/xds/server";
import { secretNames } from "@fairlead/xds/translate";
import { withSharedConfig } from "./config-sharing.ts";
import { ControlPlaneError } from "./control-plane-error.ts";
import { converged } from "./convergence.ts";
import { debugPages } from "./debug-pages.ts";
import { deriveConfig } from "./derived-config.ts";
import { Histogram } from "./exposition.ts";
import { refuseForeignNode } from "./identity.ts";
import { createKeySets } from "./jwks/options.ts";
import { Listeners } from "./listeners.ts";
import { MeshFeed } from "./mesh-feed.ts";
import { FileSettings, fixedSettings, type SettingsFiles } from "./mesh-settings.ts";
import type { ControlPlaneOptions, Listening, ListenOptions } from "./options.ts";
import { ownCertificates } from "./own-certificates.ts";
import { secretGrants } from "./reference-grants.ts";
import { Rollout, type RolloutStatus } from "./rollout/rollout.ts";
import { createRolloutSource } from "./rollout/rollout-source.ts";
import { atMost, systemClock } from "./scheduler.ts";
import { SecretSets } from "./secrets.ts";
import { trustRoots } from "./trust-roots.ts";

/** How long proxies wait for keys of token issuers at the start; then they are told to refuse tokens until there are some. Milliseconds. */
const FIRST_KEY_SETS = 2_000;

const DONE: RolloutStatus = { phase: "done" };

/** What a NACK is about, for people: the object's field is looked up in its file. */
export interface SourcePlace {
  readonly object: ObjectRef;
  readonly position: Position | undefined;
}

export interface ControlPlane extends AsyncDisposable {
  /** The mesh as it is meant: with `rollout`, not yet everybody's. */
  readonly mesh: Mesh;
  /** What the Gateway API's objects among the documents became, and their statuses; absent without documents. */
  readonly gatewayApi?: Pick<GatewayApiStore, "statuses" | "onConverted">;
  /** Serves it. May be called once for each address. */
  listen(options: ListenOptions): Promise<Listening>;
  /** Events of the discovery server: `connect`, `disconnect`, `push`, `ack`, `nack`. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): Unsubscribe;
  /** Calls `listener` with each new mesh, after it was handed to the server. */
  onMesh(listener: (mesh: Mesh) => void): Unsubscribe;
  /** Connected proxies and what they have. */
  proxies(): readonly ClientStatus[];
  /**
   * Resolves when every connected proxy has accepted everything of the mesh that is served at the call; changes that the
   * sources have told by then are taken in first. With `object`, only what is made from that object is waited for, and only by proxies
   * that asked for it. Rejects with `not-converged` after `timeout` milliseconds (30,000), naming who lags.
   */
  converged(options?: { readonly timeout?: number; readonly object?: ObjectRef }): Promise<void>;
  /** Who has what is made from an object: each resource of each proxy that asked for it, and whether it was accepted. */
  distribution(object: ObjectRef): readonly Holding[];
  /** How far the newest configuration is. Without `rollout` in the options it is everybody's at once. */
  readonly rollout: RolloutStatus;
  /** All that is wrong now: with configuration, registries, settings and translation. */
  diagnostics(): readonly Diagnostic[];
  /** Where an object (or a field of it) is written, when it is in a file. */
  locate(object: ObjectRef, path?: string): Position | undefined;
  /** Ends all streams and closes registries and listeners. */
  close(): Promise<void>;
}

/**
 * Composes sources, translation, discovery server and authority to one control plane. Resolves when every source has been
 * read. Opens no port by itself: call `listen`.
 */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock = systemClock, authority } = options;
  const settings =
    options.mesh && "files" in options.mesh
      ? await openSettings(options.mesh.files)
      : fixedSettings(options.mesh?.meshConfig, options.mesh?.meshNetworks);
  const composed = deriveConfig({
    config: options.config,
    documents: options.documents,
    registries: options.registries ?? [],
    settings,
    allocateAddresses: options.allocateAddresses ?? true,
    credentialsKnown: options.credentialsKnown,
  });
  const { config, registry } = composed;
  try {
    await Promise.all([config.ready, registry.ready, options.credentials?.ready]);
  } catch (error) {
    composed.close();
    settings.close();
    options.credentials?.close();
    await registry.close();
    throw new ControlPlaneError("not-ready", `a source cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const started = clock.now();
  const keySets = createKeySets(options.jwks ?? {}, clock);
  const wantKeySets = (mesh: Mesh) => keySets.want(wantedKeySets(mesh, options.jwks?.mode ?? "hybrid"));
  const pushTimes = new Histogram();
  const updateTimes = new Histogram();
  const meshListeners = new Set<(mesh: Mesh) => void>();
  let source: MeshSource | undefined;
  let rollout: Rollout | undefined;
  const own = ownCertificates(authority);
  const roots = trustRoots(authority, (further) => {
    own.setFurtherRoots(further);
    source?.wake();
  });
  const feed = new MeshFeed({
    config,
    registry,
    settings,
    keySets,
    ...(options.compliancePolicy ? { compliancePolicy: options.compliancePolicy } : {}),
    clock,
    ...(options.debounce ? { debounce: options.debounce } : {}),
    holdsConfig: options.rollout !== undefined,
    onMesh(mesh, isConfigNew) {
      const begun = clock.now();
      if (rollout) rollout.update(mesh, feed.stable, isConfigNew);
      else source?.update(mesh);
      roots.update(mesh.meshConfig);
      void wantKeySets(mesh);
      updateTimes.observe((clock.now() - begun) / 1000);
      for (const listener of [...meshListeners]) listener(mesh);
    },
  });
  roots.update(feed.mesh.meshConfig);
  await atMost(FIRST_KEY_SETS, wantKeySets(feed.mesh), clock);
  feed.flush();
  const { credentials } = options;
  const grants = options.documents && secretGrants(options.documents);
  const secrets = credentials && new SecretSets({ credentials, ...(grants ? { grants } : {}) });
  // What waited for keys of token issuers has been taken in, and nobody is there yet.
  feed.release();
  const made = createRolloutSource(feed.mesh, {
    extra(node, typeUrl, ask) {
      if (typeUrl === roots.typeUrl) return roots.resources();
      return typeUrl === secrets?.typeUrl ? secrets.of(node, ask(secretNames, undefined)) : undefined;
    },
  });
  source = made;
  const trustDomains = () => [
    authority?.trustDomain ?? "cluster.local",
    ...(feed.mesh.meshConfig.trustDomainAliases ?? []),
  ];
  const shared = options.shareConfig ? createConfigSource(composed.shareable) : undefined;
  const rootNamespace = () => feed.mesh.meshConfig.rootNamespace || "istio-system";
  const server: DiscoveryServer = createDiscoveryServer(withSharedConfig(made, shared, rootNamespace), {
    ...options.server,
    authorize: (peer, node) => refuseForeignNode(peer, node, trustDomains(), authority?.isRevoked),
  });
  const secretsChanged = () => {
    secrets?.clear();
    made.wake();
  };
  const forgetCredentials = credentials?.subscribe(secretsChanged);
  const forgetGrants = grants?.subscribe(secretsChanged);
  if (options.rollout)
    rollout = new Rollout({ options: options.rollout, source: made, server, clock, promoted: () => feed.release() });
  server.on("ack", ({ latency }) => pushTimes.observe(latency / 1000));

  let closing: Promise<void> | undefined;

  const diagnostics = (): readonly Diagnostic[] => {
    const unread = settingsDiagnostics(settings.meshConfig, settings.meshNetworks).filter(
      // Signers of a certificate service are who reads it.
      ({ path }) => !(listeners.signs && path.endsWith(".certSigners")),
    );
    const unplaced = [...unread, ...made.diagnostics()];
    const translation = unplaced.map((diagnostic) => {
      const { object, path } = diagnostic;
      const position =
        diagnostic.position ?? (object && (settings.locate(object, path) ?? config.locate(object, path)));
      return position ? { ...diagnostic, position } : diagnostic;
    });
    return [
      ...config.diagnostics(),
      ...registry.diagnostics(),
      ...(credentials?.diagnostics() ?? []),
      ...(shared?.diagnostics() ?? []),
      ...settings.diagnostics,
      ...roots.diagnostics,
      ...translation,
    ];
  };

  const plane: ControlPlane = {
    get mesh() {
      return feed.mesh;
    },
    ...(composed.gatewayApi ? { gatewayApi: composed.gatewayApi } : {}),
    async listen(asked) {
      if (closing) throw new ControlPlaneError("closed", "the control plane is closed");
      return listeners.listen(asked);
    },
    on: (name, listener) => server.on(name, listener),
    onMesh(listener) {
      meshListeners.add(listener);
      return () => void meshListeners.delete(listener);
    },
    proxies: () => server.clients(),
    converged: ({ timeout = 30_000, object } = {}) => {
      feed.flush();
      return converged({ server, clock, timeout, ...(object ? { holdings: () => plane.distribution(object) } : {}) });
    },
    distribution(object) {
      const key = objectKey(object);
      return server.holdings(({ sources }) => sources.some((source) => objectKey(source) === key));
    },
    get rollout() {
      return rollout?.status ?? DONE;
    },
    diagnostics,
    locate: (object, path = "") => config.locate(object, path),
    close() {
      closing ??= (async () => {
        rollout?.close();
        feed.close();
        keySets.close();
        roots.close();
        forgetCredentials?.();
        forgetGrants?.();
        credentials?.close();
        await listeners.close();
        await server.close();
        shared?.close();
        await own.close();
        await registry.close();
        composed.close();
        settings.close();
      })();
      return closing;
    },
    [Symbol.asyncDispose]: () => plane.close(),
  };
  const listeners = new Listeners({
    server,
    authority,
    own,
    compliancePolicy: options.compliancePolicy,
    trustDomains,
    rootNamespace,
    pages: debugPages({
      plane,
      server,
      source: made,
      pushTimes,
      updateTimes,
      clock,
      started,
      authority,
      credentials,
      grants,
      isReady: () => listeners.listens,
    }),
  });
  return plane;
}

async function openSettings(files: SettingsFiles): Promise<FileSettings> {
  try {
    return await FileSettings.open(files);
  } catch (error) {
    throw new ControlPlaneError("not-ready", `mesh settings cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Where the objects behind a NACK are written. */
export function placesOf(plane: ControlPlane, sources: readonly ObjectRef[]): readonly SourcePlace[] {
  return sources.map((object) => ({ object, position: plane.locate(object) }));
}
