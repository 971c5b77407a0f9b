import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { SpiffeId } from "@fairlead/model";
import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";
import { type Authenticator, bearerToken } from "./authenticator.ts";

export interface JoinToken {
  readonly identity: SpiffeId;
  /** At least 16 characters. Default: 32 random bytes, base64url. */
  readonly token?: string;
  /** `once` (default): spent by the first certificate. `many`: good until it ends. */
  readonly uses?: "once" | "many";
  /** Seconds. Default 3600. */
  readonly ttlSeconds?: number;
}

/** Tokens by which a workload proves who it is before it has a certificate. */
export interface JoinTokens extends Authenticator {
  /** Adds a token and returns it. Only its hash is kept. */
  add(token: JoinToken): string;
  /** Takes a token back. */
  revoke(token: string): void;
  /** Tokens that can still be used. */
  readonly size: number;
}

interface Entry {
  readonly digest: Buffer;
  readonly identity: SpiffeId;
  readonly once: boolean;
  readonly endsAt: number;
  /** A one-time token that a request under way holds. */
  held: boolean;
}

const digestOf = (token: string) => createHash("sha256").update(token).digest();

/**
 * Join tokens, sent as `authorization: Bearer TOKEN` over TLS. Looked up by comparing hashes in constant time. A
 * one-time token is taken before anything is awaited, so that two requests at once cannot both use it, and is free
 * again when no certificate came of it.
 */
export function joinTokens(
  options: { readonly tokens?: readonly JoinToken[]; readonly clock?: Pick<Clock, "now"> } = {},
): JoinTokens {
  const { clock = systemClock } = options;
  let entries: Entry[] = [];
  const prune = () => {
    const now = clock.now();
    if (entries.some(({ endsAt }) => endsAt <= now)) entries = entries.filter(({ endsAt }) => endsAt > now);
  };
  const find = (token: string): Entry | undefined => {
    const digest = digestOf(token);
    let found: Entry | undefined;
    for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) found = entry;
    return found;
  };
  const add = ({
    identity,
    token = randomBytes(32).toString("base64url"),
    uses = "once",
    ttlSeconds = 3600,
  }: JoinToken): string => {
    if (token.length < 16) throw new CaError("OPTION_INVALID", "a join token has at least 16 characters");
    if (!(ttlSeconds > 0)) throw new CaError("OPTION_INVALID", "a join token lives longer than 0 s");
    if (find(token)) throw new CaError("OPTION_INVALID", "this join token is in use");
    const endsAt = clock.now() + ttlSeconds * 1000;
    entries.push({ digest: digestOf(token), identity, once: uses === "once", endsAt, held: false });
    return token;
  };
  for (const token of options.tokens ?? []) add(token);
  return {
    name: "join-token",
    add,
    revoke(token) {
      const entry = find(token);
      entries = entries.filter((other) => other !== entry);
    },
    get size() {
      prune();
      return entries.length;
    },
    authenticate(call) {
      const token = bearerToken(call);
      if (token === undefined) return undefined;
      prune();
      const entry = find(token);
      if (entry === undefined) return undefined; // may be a token of another kind
      if (entry.held) throw new CaError("UNAUTHENTICATED", "the join token is in use");
      const caller = { authenticator: "join-token", identity: entry.identity };
      if (!entry.once) return caller;
      entry.held = true;
      return {
        ...caller,
        settle(issued: boolean) {
          entry.held = false;
          if (issued) entries = entries.filter((other) => other !== entry);
        },
      };
    },
  };
}
