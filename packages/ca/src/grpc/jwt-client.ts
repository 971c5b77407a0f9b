import type { SecretSource, SpiffeId } from "@fairlead/model";
import { parseTrustDomain } from "@fairlead/model";
import { SECRET_NAMES } from "../agent/agent.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import type { JwtSvidIssuer } from "../jwt/jwt-authority.ts";
import { createListeners } from "../listeners.ts";
import type { BundleSource, TrustBundle } from "../trust/bundle.ts";
import { marshalSpiffeBundle, parseSpiffeBundle } from "../trust/spiffe-bundle.ts";
import { type GrpcCaClientOptions, unary } from "./client.ts";
import { JWT_SVIDS } from "./jwt-service.ts";
import { decodeTextAndNumber, encodeMintRequest } from "./jwt-wire.ts";

export interface GrpcJwtClientOptions extends Pick<GrpcCaClientOptions, "address" | "server" | "timeoutMs"> {
  /** The workload's certificate, which authenticates it, and the roots that the server is checked against: an agent. */
  readonly agent: SecretSource & { readonly identity: SpiffeId };
  /** Told when the bundle cannot be had; the last one stays. */
  readonly onProblem?: (error: CaError) => void;
  readonly clock?: Clock;
}

/** JWT-SVIDs from an authority elsewhere, and the bundle they are verified with, kept up to date. The caller closes it. */
export interface GrpcJwtClient extends JwtSvidIssuer, BundleSource {
  close(): void;
}

/** Bounds on the refresh hint of the bundle, seconds. */
const MIN_REFRESH = 10;
const MAX_REFRESH = 3600;

/** The way to an authority's JWT-SVIDs over gRPC with mutual TLS. */
export function grpcJwtClient(options: GrpcJwtClientOptions): GrpcJwtClient {
  const { agent, onProblem, clock = systemClock } = options;
  const trustDomain = parseTrustDomain(agent.identity.trustDomain);
  const closing = new AbortController();
  const listeners = createListeners();
  let bundle: TrustBundle | undefined;
  let cancel: () => void = () => undefined;
  const call = async (path: string, message: Buffer): Promise<{ readonly text: string; readonly number: number }> => {
    const current = agent.get(SECRET_NAMES.certificate);
    const roots = agent.get(SECRET_NAMES.roots);
    if (current?.kind !== "key-pair" || roots?.kind !== "trust-bundle")
      throw new CaError("CA_NOT_READY", "the workload has no certificate yet");
    const bytes = await unary({ ...options, roots: roots.roots }, { path, message, current, signal: closing.signal });
    return decodeTextAndNumber(bytes);
  };
  const refresh = async (): Promise<void> => {
    const { text } = await call(JWT_SVIDS.bundle, Buffer.alloc(0));
    // The connection says who it is; a journal that was restored from a backup may count anew.
    const next = parseSpiffeBundle(trustDomain, text);
    if (closing.signal.aborted || (bundle && marshalSpiffeBundle(bundle) === marshalSpiffeBundle(next))) return;
    bundle = next;
    listeners.tell();
  };
  const look = () => {
    refresh()
      .catch((cause: unknown) => onProblem?.(toCaError(cause, "REQUEST_FAILED", (cause as Error).message)))
      .finally(() => {
        const seconds = Math.min(MAX_REFRESH, Math.max(MIN_REFRESH, bundle?.refreshHintSeconds ?? MIN_REFRESH));
        if (!closing.signal.aborted) cancel = clock.schedule(seconds * 1000, look, true);
      });
  };
  look();
  return {
    async mint({ identity, audiences, ttlSeconds = 0 }) {
      if (identity.uri !== agent.identity.uri)
        throw new CaError("SPIFFE_ID_INVALID", `this agent is ${agent.identity.uri}, not ${identity.uri}`);
      const { text, number } = await call(JWT_SVIDS.mint, encodeMintRequest({ audiences, ttlSeconds }));
      if (text === "") throw new CaError("REQUEST_FAILED", "the authority answered without token");
      return { token: text, identity, expiresAt: new Date(number) };
    },
    get bundle() {
      return bundle;
    },
    subscribe: listeners.subscribe,
    close() {
      closing.abort();
      cancel();
      listeners.clear();
    },
  };
}
