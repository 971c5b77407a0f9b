// Longer than most files: what is opened, wired and closed together is read in one place.
import type { Authority } from "@fairlead/ca";
import { type Agent, createAgent, inProcessClient } from "@fairlead/ca/agent";
import {
  type Authenticator,
  type CertificateListener,
  listenCertificateService,
  serverCredentials,
} from "@fairlead/ca/grpc";
import type { ConfigStore, MeshConfig, MeshNetworks, ParsedDocument } from "@fairlead/config";
import { type CompliancePolicy, type Mesh, settingsDiagnostics, wantedKeySets } from "@fairlead/mesh";
import {
  type Collection,
  type Diagnostic,
  type ObjectRef,
  type Position,
  parseSpiffeId,
  type Unsubscribe,
} from "@fairlead/model";
import { aggregateRegistry, type Registry, serviceEntryRegistry } from "@fairlead/registry";
import type { Credentials } from "@fairlead/registry/credentials";
import { createMeshSource, type MeshSource, XdsError } from "@fairlead/xds";
import { createConfigSource } from "@fairlead/xds/config";
import {
  type ClientStatus,
  createDiscoveryServer,
  type DiscoveryServer,
  type DiscoveryServerOptions,
  type EventName,
  type Listener,
} from "@fairlead/xds/server";
import { secretNames } from "@fairlead/xds/translate";
import { withSharedConfig } from "./config-sharing.ts";
import { ControlPlaneError } from "./control-plane-error.ts";
import { converged } from "./convergence.ts";
import { debugPages } from "./debug-pages.ts";
import { Histogram } from "./exposition.ts";
import { authorizeCallers, debugReaders, refuseForeignNode } from "./identity.ts";
import { withIngresses } from "./ingresses.ts";
import { createKeySets, type JwksOptions } from "./jwks/options.ts";
import { MeshFeed } from "./mesh-feed.ts";
import { FileSettings, fixedSettings, type SettingsFiles } from "./mesh-settings.ts";
import { listenPages, type Pages } from "./pages.ts";
import { secretGrants } from "./reference-grants.ts";
import { type Clock, type DebounceOptions, systemClock } from "./scheduler.ts";
import { SecretSets } from "./secrets.ts";

export interface ControlPlaneOptions {
  /** Configuration. Stays the caller's to close. */
  readonly config: ConfigStore;
  /**
   * Kubernetes objects that are no configuration (`documents` of a text or directory store): the Ingresses among them are
   * served as the Gateways and VirtualServices that they stand for. Stays the caller's to close.
   */
  readonly documents?: Collection<ParsedDocument>;
  /** Services besides those of ServiceEntries, which come from `config`. Earlier ones take precedence. Closed with the control plane. */
  readonly registries?: readonly Registry[];
  /**
   * Certificates and keys that Gateways and DestinationRules name (`credentialName`), such as `manifestCredentials` of
   * `@fairlead/registry/credentials`. Each proxy is given what its own resources name, of its own namespace (of others
   * `kubernetes-gateway://NAMESPACE/NAME` that a ReferenceGrant among `documents` allows), and never over plaintext TCP without
   * `insecure`. Closed with the control plane.
   */
  readonly credentials?: Credentials;
  /**
   * Hosts of ServiceEntries without addresses get virtual ones (of 240.240.0.0/16 and 2001:2::/48), for proxies that answer
   * DNS themselves, as Istio's controller gives them. Default: true.
   */
  readonly allocateAddresses?: boolean;
  /** Mesh-wide settings, or the files that hold them (then watched). Default: Istio's defaults. */
  readonly mesh?:
    | { readonly meshConfig?: MeshConfig; readonly meshNetworks?: MeshNetworks }
    | { readonly files: SettingsFiles };
  /** Issues the certificates of the control plane itself and, with `listen({ certificates })`, of workloads. Stays the caller's to close. */
  readonly authority?: Authority;
  /**
   * Gives the configuration on to other control planes, ours (`xdsConfigStore` of `@fairlead/xds/config`) or istiod, on every
   * address that it listens on: over TLS to those that prove to be of the root namespace, over plaintext to all who reach
   * it. Default: no.
   */
  readonly shareConfig?: boolean;
  readonly jwks?: JwksOptions;
  /**
   * Restricts all TLS of proxies, whatever configuration says: `fips-140-2`, `fips-140-3` (both need an Envoy built for it to
   * mean what they say) or `pqc` (post-quantum key exchange). Istio's `COMPLIANCE_POLICY`.
   */
  readonly compliancePolicy?: CompliancePolicy;
  readonly debounce?: DebounceOptions;
  readonly server?: Omit<DiscoveryServerOptions, "authorize">;
  readonly clock?: Clock;
}

export interface ListenOptions {
  /** Address of the discovery server, `HOST:PORT` or `unix:/path`. */
  readonly ads: string;
  /**
   * `mtls` (the default with an authority): TLS with certificates of the authority; a proxy must be who its certificate says.
   * `plaintext`: nobody is checked; on other addresses than loopback and Unix sockets it needs `insecure`.
   */
  readonly security?: "mtls" | "plaintext";
  /**
   * How else than by a certificate of the mesh a proxy of this address may prove who it is: tokens (`jwt`, `tokenReview`) or a
   * trusted proxy's word (`xfcc`). With them everybody must prove something, over plaintext and Unix sockets too.
   */
  readonly authenticators?: readonly Authenticator[];
  /** Default `TLSv1.3`, here and for the certificate service. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
  readonly insecure?: boolean;
  /** Host names that the server's certificate carries besides the host of `ads`. */
  readonly serverNames?: readonly string[];
  /** Address of health, metrics and debug pages (HTTP). */
  readonly http?: string;
  /**
   * Who may read debug pages from another machine, which nobody may otherwise: callers whom these find to be of one of
   * `namespaces` (default: the root namespace). What they send passes in the clear: put a TLS proxy before the address.
   */
  readonly debug?: { readonly authenticators: readonly Authenticator[]; readonly namespaces?: readonly string[] };
  /** Certificate service for workloads, over TLS: its address, and who may ask. Needs an authority. */
  readonly certificates?: { readonly address: string; readonly authenticators: readonly Authenticator[] };
}

/** Bound addresses. */
export interface Listening {
  readonly ads: string;
  readonly http: string | undefined;
  readonly certificates: string | undefined;
}

/** What a NACK is about, for people: the object's field is looked up in its file. */
export interface SourcePlace {
  readonly object: ObjectRef;
  readonly position: Position | undefined;
}

export interface ControlPlane extends AsyncDisposable {
  /** The mesh as it is served now. */
  readonly mesh: Mesh;
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
   * sources have told by then are taken in first. Rejects with `not-converged` after `timeout` milliseconds (30,000), naming who lags.
   */
  converged(options?: { readonly timeout?: number }): Promise<void>;
  /** All that is wrong now: with configuration, registries, settings and translation. */
  diagnostics(): readonly Diagnostic[];
  /** Where an object (or a field of it) is written, when it is in a file. */
  locate(object: ObjectRef, path?: string): Position | undefined;
  /** Ends all streams and closes registries and listeners. */
  close(): Promise<void>;
}

/** The SPIFFE ID path under which the control plane itself is known. Istio's. */
const OWN_IDENTITY = { namespace: "istio-system", account: "istiod" } as const;

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
  const composed = withIngresses(options.config, options.documents, settings);
  const { config } = composed;
  const given = options.registries ?? [];
  const registry = aggregateRegistry(
    [...given, serviceEntryRegistry(config, { allocateAddresses: options.allocateAddresses ?? true })],
    "control plane",
  );
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
  const feed = new MeshFeed({
    config,
    registry,
    settings,
    keySets,
    ...(options.compliancePolicy ? { compliancePolicy: options.compliancePolicy } : {}),
    clock,
    ...(options.debounce ? { debounce: options.debounce } : {}),
    onMesh(mesh) {
      const begun = clock.now();
      source?.update(mesh);
      void wantKeySets(mesh);
      updateTimes.observe((clock.now() - begun) / 1000);
      for (const listener of [...meshListeners]) listener(mesh);
    },
  });
  await firstOf(wantKeySets(feed.mesh), clock, FIRST_KEY_SETS);
  feed.flush();
  const { credentials } = options;
  const grants = options.documents && secretGrants(options.documents);
  const secrets = credentials && new SecretSets({ credentials, ...(grants ? { grants } : {}) });
  source = createMeshSource(feed.mesh, {
    extra: (node, typeUrl, ask) =>
      typeUrl === secrets?.typeUrl ? secrets.of(node, ask(secretNames, undefined)) : undefined,
  });
  const made = source;
  const trustDomains = () => [
    authority?.trustDomain ?? "cluster.local",
    ...(feed.mesh.meshConfig.trustDomainAliases ?? []),
  ];
  const shared = options.shareConfig ? createConfigSource(config) : undefined;
  const rootNamespace = () => feed.mesh.meshConfig.rootNamespace || "istio-system";
  const server: DiscoveryServer = createDiscoveryServer(withSharedConfig(made, shared, rootNamespace), {
    ...options.server,
    authorize: (peer, node) => refuseForeignNode(peer, node, trustDomains()),
  });
  const secretsChanged = () => {
    secrets?.clear();
    made.wake();
  };
  const forgetCredentials = credentials?.subscribe(secretsChanged);
  const forgetGrants = grants?.subscribe(secretsChanged);
  server.on("ack", ({ latency }) => pushTimes.observe(latency / 1000));

  const open: { close(): Promise<void> }[] = [];
  /** By the names in the certificate. */
  const own = new Map<string, Promise<Agent>>();
  let listens = false;
  let closing: Promise<void> | undefined;

  /** The certificate of the control plane itself, kept fresh like any workload's. */
  const ownAgent = (names: readonly string[]): Promise<Agent> => {
    if (!authority)
      throw new ControlPlaneError("insecure", "mutual TLS needs an authority; give one, or ask for plaintext");
    const key = names.join(" ");
    const known = own.get(key);
    if (known) return known;
    const made = (async () => {
      const identity = parseSpiffeId(
        `spiffe://${authority.trustDomain}/ns/${OWN_IDENTITY.namespace}/sa/${OWN_IDENTITY.account}`,
      );
      const isAddress = (name: string) => /^[\d.]+$|:/.test(name);
      const agent = createAgent({
        identity,
        ca: inProcessClient(authority, identity, {
          dnsNames: names.filter((name) => !isAddress(name)),
          ipAddresses: names.filter(isAddress),
        }),
      });
      await agent.ready;
      return agent;
    })();
    own.set(key, made);
    made.catch(() => own.delete(key));
    return made;
  };

  const diagnostics = (): readonly Diagnostic[] => {
    const translation = made.diagnostics().map((diagnostic) => {
      const position = diagnostic.position ?? (diagnostic.object && config.locate(diagnostic.object, diagnostic.path));
      return position ? { ...diagnostic, position } : diagnostic;
    });
    return [
      ...config.diagnostics(),
      ...registry.diagnostics(),
      ...(credentials?.diagnostics() ?? []),
      ...(shared?.diagnostics() ?? []),
      ...settings.diagnostics,
      ...settingsDiagnostics(settings.meshConfig, settings.meshNetworks),
      ...translation,
    ];
  };

  const plane: ControlPlane = {
    get mesh() {
      return feed.mesh;
    },
    async listen(asked) {
      const {
        ads,
        security = authority ? "mtls" : "plaintext",
        insecure,
        serverNames = [],
        http,
        certificates,
      } = asked;
      const { authenticators, minTlsVersion, debug } = asked;
      if (closing) throw new ControlPlaneError("closed", "the control plane is closed");
      const host = ads.slice(0, ads.lastIndexOf(":")).replace(/^\[|\]$/g, "");
      const tls =
        security === "mtls" && !ads.startsWith("unix:")
          ? serverCredentials(await ownAgent([host, ...serverNames]), {
              clients: authenticators ? "asked" : "required",
              ...(minTlsVersion ? { minTlsVersion } : {}),
            })
          : undefined;
      const bound = await server
        .listen({
          address: ads,
          ...(tls ? { credentials: tls } : {}),
          ...(authenticators ? { authorize: authorizeCallers({ authority, authenticators }, trustDomains) } : {}),
          ...(insecure ? { insecure } : {}),
        })
        .catch(rethrowListen);
      open.push(bound);
      let certificateListener: CertificateListener | undefined;
      if (certificates) {
        if (!authority) throw new ControlPlaneError("insecure", "a certificate service needs an authority");
        certificateListener = await listenCertificateService({
          authority,
          address: certificates.address,
          authenticators: certificates.authenticators,
          ...(minTlsVersion ? { minTlsVersion } : {}),
        });
        open.push(certificateListener);
      }
      let pages: Pages | undefined;
      if (http) {
        pages = await listenPages({
          address: http,
          ...(debug ? { authorize: debugReaders(debug, rootNamespace) } : {}),
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
            isReady: () => listens,
          }),
        });
        open.push(pages);
      }
      listens = true;
      return { ads: bound.address, http: pages?.address, certificates: certificateListener?.address };
    },
    on: (name, listener) => server.on(name, listener),
    onMesh(listener) {
      meshListeners.add(listener);
      return () => void meshListeners.delete(listener);
    },
    proxies: () => server.clients(),
    converged: ({ timeout = 30_000 } = {}) => {
      feed.flush();
      return converged(server, clock, timeout);
    },
    diagnostics,
    locate: (object, path = "") => config.locate(object, path),
    close() {
      closing ??= (async () => {
        feed.close();
        keySets.close();
        forgetCredentials?.();
        forgetGrants?.();
        credentials?.close();
        await Promise.all(open.map((one) => one.close()));
        await server.close();
        shared?.close();
        await Promise.all([...own.values()].map(async (agent) => (await agent).close()));
        await registry.close();
        composed.close();
        settings.close();
      })();
      return closing;
    },
    [Symbol.asyncDispose]: () => plane.close(),
  };
  return plane;
}

/** How long proxies wait for keys at the start: longer, and they are told to refuse tokens until there are some. Milliseconds. */
const FIRST_KEY_SETS = 2_000;

function firstOf(work: Promise<unknown>, clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(milliseconds, resolve);
    void work.then(() => {
      cancel();
      resolve();
    });
  });
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

/** What a discovery server says of an address is said in this package's words. */
function rethrowListen(error: unknown): never {
  if (error instanceof XdsError && (error.code === "listen-failed" || error.code === "insecure"))
    throw new ControlPlaneError(error.code, error.message.replace(/^\[[\w-]+\] /, ""), { cause: error });
  throw error;
}

/** Where the objects behind a NACK are written. */
export function placesOf(plane: ControlPlane, sources: readonly ObjectRef[]): readonly SourcePlace[] {
  return sources.map((object) => ({ object, position: plane.locate(object) }));
}
