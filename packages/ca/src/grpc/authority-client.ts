import type { SecretSource } from "@fairlead/model";
import { type Agent, SECRET_NAMES } from "../agent/agent.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import { AUTHORITY_METHODS, type AuthorityMethod, type AuthorityState, parseAuthorityState } from "./authority-wire.ts";
import { type GrpcCaClientOptions, unary } from "./client.ts";
import { decodeTextAndNumber, encodeTextAndNumber } from "./jwt-wire.ts";

export interface GrpcAuthorityClientOptions extends Pick<GrpcCaClientOptions, "address" | "server" | "timeoutMs"> {
  /** The certificate that proves who asks, and the roots that the server is checked against: an agent, or `fileSecrets`. */
  readonly identity: SecretSource;
}

/** An authority elsewhere. Changes are for its administrators, and are answered with the state after them. All reject with {@link CaError}. */
export interface AuthorityClient {
  state(): Promise<AuthorityState>;
  /** CRLs of its signing certificates, PEM; empty where there are none. */
  revocationLists(): Promise<string>;
  prepare(): Promise<AuthorityState>;
  activate(root: string): Promise<AuthorityState>;
  taint(root: string): Promise<AuthorityState>;
  /** Takes a root out of the trust bundle and destroys its key, also while certificates it signed are alive. */
  retire(root: string): Promise<AuthorityState>;
  /** Revokes the certificate of this serial number, hex. */
  revoke(serial: string): Promise<AuthorityState>;
}

/** The way to an authority that `listenCertificateService({ admins })` offers, over gRPC with mutual TLS. */
export function grpcAuthorityClient(options: GrpcAuthorityClientOptions): AuthorityClient {
  const call = async (method: AuthorityMethod, text = ""): Promise<string> => {
    const [current, roots] = [options.identity.get(SECRET_NAMES.certificate), options.identity.get(SECRET_NAMES.roots)];
    if (current?.kind !== "key-pair" || roots?.kind !== "trust-bundle")
      throw new CaError("CA_NOT_READY", "there is no certificate to ask with");
    const message = encodeTextAndNumber(text, 0);
    const signal = new AbortController().signal;
    const request = { path: AUTHORITY_METHODS[method], message, current, signal };
    return decodeTextAndNumber(await unary({ ...options, roots: roots.roots }, request)).text;
  };
  const state = async (method: AuthorityMethod, text?: string) => parseAuthorityState(await call(method, text));
  return {
    state: () => state("state"),
    revocationLists: () => call("revocationLists"),
    prepare: () => state("prepare"),
    activate: (root) => state("activate", root),
    taint: (root) => state("taint", root),
    retire: (root) => state("retire", root),
    revoke: (serial) => state("revoke", serial),
  };
}

export interface FollowRevocationsOptions {
  readonly client: Pick<AuthorityClient, "revocationLists">;
  readonly agent: Pick<Agent, "get" | "setRevocationLists" | "subscribe">;
  /** Between two looks. Default 300. */
  readonly pollSeconds?: number;
  /** Told when the lists cannot be had; those in hand stay, and hold until they end by themselves (a day). */
  readonly onProblem?: (error: CaError) => void;
  readonly clock?: Clock;
}

/**
 * Gives an agent the CRLs of its authority as they change, so that proxies refuse peers whose certificates were revoked. Proxies
 * then refuse all whose authorities are not covered too: only for meshes whose certificates are all of this authority. Resolves after the first look; the
 * caller closes it.
 */
export async function followRevocationLists(options: FollowRevocationsOptions): Promise<{ close(): void }> {
  const { client, agent, pollSeconds = 300, onProblem, clock = systemClock } = options;
  let closed = false;
  let cancel: () => void = () => undefined;
  const rootsNow = () => {
    const held = agent.get(SECRET_NAMES.roots);
    return held?.kind === "trust-bundle" ? held.roots : undefined;
  };
  let covered = rootsNow();
  const look = async (): Promise<void> => {
    cancel();
    try {
      const lists = await client.revocationLists();
      if (!closed) agent.setRevocationLists(lists === "" ? undefined : lists);
    } catch (cause) {
      if (!closed) onProblem?.(toCaError(cause, "REQUEST_FAILED", (cause as Error).message));
    }
    cancel();
    if (!closed) cancel = clock.schedule(pollSeconds * 1000, () => void look(), true);
  };
  // A new root is not covered by the lists in hand.
  const unsubscribe = agent.subscribe((name) => {
    if (name !== SECRET_NAMES.roots || rootsNow() === covered) return;
    covered = rootsNow();
    void look();
  });
  await look();
  return {
    close() {
      closed = true;
      cancel();
      unsubscribe();
    },
  };
}
