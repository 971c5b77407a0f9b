import { mkdir } from "node:fs/promises";
import type { KeyPairSecret, Secret, SecretSource, SpiffeId } from "@fairlead/model";
import { type Clock, systemClock } from "../clock.ts";
import { createCsr } from "../csr/create.ts";
import { CERTIFICATE_FILES, writeFiles } from "../directory.ts";
import { CaError, toCaError } from "../error.ts";
import { type KeyType, newPrivateKey } from "../keys/algorithm.ts";
import { createListeners } from "../listeners.ts";
import type { CaClient } from "./ca-client.ts";
import { acceptCertificate, mergeRoots } from "./certificate.ts";
import { backoffDelay, DEFAULT_ROTATION, type RotationPolicy, renewalDelay, scheduleRenewal } from "./rotation.ts";
import { listenSds, type SdsListener } from "./sds.ts";

/** Names of secrets, Istio's. */
export const SECRET_NAMES = { certificate: "default", roots: "ROOTCA" } as const;

export interface AgentOptions {
  /** Whom the certificate is for. What the authority certifies must be this. */
  readonly identity: SpiffeId;
  /** The way to the authority; closed with the agent. */
  readonly ca: CaClient;
  /** Kind of the workload's key; a new one is made for each certificate. Default `ec-p256`. */
  readonly keyType?: KeyType;
  /** Asked lifetime, seconds. Default: the authority's. */
  readonly ttlSeconds?: number;
  readonly rotation?: Partial<RotationPolicy>;
  /** Roots to trust besides those of the authority, PEM: a mesh configuration's `caCertificates`. */
  readonly extraRoots?: readonly string[];
  readonly onEvent?: (event: AgentEvent) => void;
  readonly clock?: Clock;
  /** In [0, 1). Default Math.random; spreads renewals, protects nothing. */
  readonly random?: () => number;
}

export type AgentEvent =
  | { readonly type: "issued"; readonly notAfter: Date; readonly renewInMs: number }
  | { readonly type: "roots-changed" }
  | { readonly type: "failed"; readonly error: CaError; readonly retryInMs: number }
  /** The certificate ended before a new one came: the workload has none now. */
  | { readonly type: "expired" };

/** Keeps a workload's certificate: makes the key, gets it certified, renews it in time, hands it out. */
export interface Agent extends SecretSource {
  /** Resolves with the first certificate; rejects when the agent is closed before. */
  readonly ready: Promise<void>;
  readonly identity: SpiffeId;
  /** When the certificate in use ends. */
  readonly notAfter: Date | undefined;
  /** Gets a new certificate now, whatever the old one's age. Calls at once share one request. Rejects when it failed; retries go on. */
  rotate(): Promise<void>;
  /** Replaces the roots that are trusted besides the authority's. */
  setExtraRoots(roots: readonly string[]): void;
  /** Sets the CRLs that go with the roots, PEM, see `TrustBundleSecret`; undefined takes them away. */
  setRevocationLists(lists: string | undefined): void;
  /** Serves SDS on a Unix socket (`unix:/run/fairlead/sds.sock`, mode 0600). Closed with the agent. Needs `@fairlead/xds`. */
  listen(address: string): Promise<SdsListener>;
  /** Writes `cert-chain.pem`, `key.pem` (0600) and `root-cert.pem`, now and after each change, for programs that read files. */
  writeFiles(directory: string): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts an agent. The private key is made here, lives in memory and goes nowhere but to who asks {@link SecretSource.get}
 * in this process, to its SDS socket and, if asked for, to its files.
 */
export function createAgent(options: AgentOptions): Agent {
  const { identity, ca, keyType = "ec-p256", clock = systemClock, random = Math.random, onEvent } = options;
  const rotation: RotationPolicy = { ...DEFAULT_ROTATION, ...options.rotation };
  const listeners = createListeners<[name: string]>();
  const closing = new AbortController();
  const sds: SdsListener[] = [];
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let certificate: (KeyPairSecret & { readonly expiresAt: Date }) | undefined;
  let authorityRoots: readonly string[] = [];
  let extraRoots = options.extraRoots ?? [];
  let roots: string | undefined;
  let revocationLists: string | undefined;
  let failures = 0;
  let renewal: Promise<void> | undefined;
  let cancelRenewal: () => void = () => undefined;
  let cancelExpiry: () => void = () => undefined;

  const tell = (event: AgentEvent) => onEvent?.(event);
  const { tell: changed, subscribe } = listeners;
  /** Roots before certificates: peers' certificates may already hang on the new ones. */
  const updateRoots = () => {
    if (authorityRoots.length === 0) return;
    const merged = mergeRoots([...authorityRoots, ...extraRoots]);
    if (merged === roots) return;
    const first = roots === undefined;
    roots = merged;
    changed(SECRET_NAMES.roots);
    if (!first) tell({ type: "roots-changed" });
  };
  const scheduleNext = (delayMs: number) => {
    cancelRenewal();
    cancelRenewal = scheduleRenewal(clock, delayMs, () => void renew().catch(() => undefined));
  };
  const request = async (): Promise<void> => {
    const key = newPrivateKey(keyType);
    const current = certificate && certificate.expiresAt.getTime() > clock.now() ? certificate : undefined;
    const response = await ca.sign({
      csr: createCsr({ key, identity }),
      ttlSeconds: options.ttlSeconds,
      current,
      roots,
      signal: closing.signal,
    });
    if (closing.signal.aborted) throw new CaError("CA_CLOSED", "the agent is closed");
    const accepted = acceptCertificate(response, key, identity, clock.now());
    authorityRoots = [accepted.roots];
    updateRoots();
    certificate = accepted.secret;
    changed(SECRET_NAMES.certificate);
  };
  const expire = () => {
    certificate = undefined;
    changed(SECRET_NAMES.certificate);
    tell({ type: "expired" });
  };
  const renew = (): Promise<void> => {
    if (closing.signal.aborted) return Promise.reject(new CaError("CA_CLOSED", "the agent is closed"));
    renewal ??= (async () => {
      try {
        await request();
        failures = 0;
        const notAfter = certificate?.expiresAt ?? new Date(clock.now());
        const renewInMs = renewalDelay(clock.now(), notAfter.getTime(), rotation, random);
        scheduleNext(renewInMs);
        cancelExpiry();
        cancelExpiry = scheduleRenewal(clock, notAfter.getTime() - clock.now(), expire);
        tell({ type: "issued", notAfter, renewInMs });
        ready.resolve();
      } catch (cause) {
        const error = toCaError(cause, "REQUEST_FAILED", `the authority did not answer: ${messageOf(cause)}`);
        if (!closing.signal.aborted) {
          failures++;
          const retryInMs = backoffDelay(failures, rotation, random, error.retryAfterMs);
          scheduleNext(retryInMs);
          tell({ type: "failed", error, retryInMs });
        }
        throw error;
      } finally {
        renewal = undefined;
      }
    })();
    return renewal;
  };
  const unwatch = ca.watchRoots?.((next) => {
    if (authorityRoots.length === 0) return; // the first certificate brings them
    authorityRoots = next;
    updateRoots();
  });
  const unwatchSigner = ca.watchSigner?.(() => scheduleNext(0));
  const get = (name: string): Secret | undefined => {
    if (name === SECRET_NAMES.certificate) return certificate;
    if (name === SECRET_NAMES.roots && roots !== undefined)
      return { kind: "trust-bundle", roots, ...(revocationLists === undefined ? {} : { revocationLists }) };
    return undefined;
  };
  const close = async () => {
    if (closing.signal.aborted) return;
    closing.abort();
    cancelRenewal();
    cancelExpiry();
    unwatch?.();
    unwatchSigner?.();
    listeners.clear();
    ready.reject(new CaError("CA_CLOSED", "the agent was closed before it had a certificate"));
    await Promise.all(sds.map((listener) => listener.close()));
    await ca.close();
  };
  const source: SecretSource = { get, subscribe };
  renew().catch(() => undefined);

  return {
    ready: ready.promise,
    identity,
    get notAfter() {
      return certificate?.expiresAt;
    },
    get,
    subscribe,
    rotate: renew,
    setExtraRoots(next) {
      mergeRoots(next);
      extraRoots = next;
      updateRoots();
    },
    setRevocationLists(next) {
      if (next === revocationLists) return;
      revocationLists = next;
      changed(SECRET_NAMES.roots);
    },
    async listen(address) {
      if (closing.signal.aborted) throw new CaError("CA_CLOSED", "the agent is closed");
      const listener = await listenSds(address, source, Object.values(SECRET_NAMES));
      sds.push(listener);
      return listener;
    },
    async writeFiles(directory) {
      await ready.promise;
      await mkdir(directory, { recursive: true });
      let writing = Promise.resolve();
      const put = () => {
        const bundle = roots;
        const pair = certificate;
        if (bundle === undefined || pair === undefined) return;
        writing = writing.then(() =>
          writeFiles(directory, [
            [CERTIFICATE_FILES.roots, bundle, 0o644],
            [CERTIFICATE_FILES.key, pair.privateKey, 0o600],
            [CERTIFICATE_FILES.chain, pair.certificateChain, 0o644],
          ]),
        );
      };
      put();
      await writing;
      subscribe(() => {
        put();
        writing = writing.catch((cause: unknown) => {
          const error = toCaError(cause, "STORE_FAILED", `writing certificates: ${messageOf(cause)}`);
          tell({ type: "failed", error, retryInMs: 0 });
        });
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
