import type { SpiffeId } from "@fairlead/model";
import { CaError } from "../error.ts";

/** What an authenticator sees of a call. */
export interface CallIdentity {
  /** The peer's address, `127.0.0.1:41234`; not proved by anything. */
  readonly peer: string;
  /** The client's certificate, DER, where TLS verified it against the server's roots. */
  readonly certificate: Uint8Array | undefined;
  /** Values of a metadata header, in order. */
  metadata(name: string): readonly string[];
}

/** Who was found to call. */
export interface Caller {
  /** Name of the authenticator that found out. */
  readonly authenticator: string;
  readonly identity: SpiffeId;
  /** Further facts, for impersonation rules and audit: pod name and uid, node, claims. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Told whether a certificate was issued: a one-time credential is spent by it, or free again. */
  settle?(issued: boolean): void;
}

/** One way to find out who calls. */
export interface Authenticator {
  readonly name: string;
  /** undefined: the call carries no credential of this kind. Throws (or rejects) when it carries one that does not hold. */
  authenticate(call: CallIdentity): Caller | undefined | Promise<Caller | undefined>;
}

/**
 * Asks one authenticator after the other; the first that finds a caller decides. When none does the call is denied:
 * UNAUTHENTICATED, with every reason in the message for the audit, none of which the peer is told.
 */
export async function authenticate(call: CallIdentity, authenticators: readonly Authenticator[]): Promise<Caller> {
  const reasons: string[] = [];
  for (const authenticator of authenticators)
    try {
      const caller = await authenticator.authenticate(call);
      if (caller !== undefined) return caller;
      reasons.push(`${authenticator.name}: no such credential`);
    } catch (error) {
      reasons.push(`${authenticator.name}: ${error instanceof Error ? error.message : "failed"}`);
    }
  throw new CaError("UNAUTHENTICATED", reasons.join("; ") || "there is no authenticator");
}

/** Longest bearer token that is looked at, bytes. */
const MAX_TOKEN = 16_384;

/** The bearer token of a call (RFC 6750, section 2.1). undefined: there is no authorization. Throws when it is another. */
export function bearerToken(call: CallIdentity): string | undefined {
  const values = call.metadata("authorization");
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) throw new CaError("UNAUTHENTICATED", "more than one authorization");
  if (!value.startsWith("Bearer ")) throw new CaError("UNAUTHENTICATED", "the authorization is not a Bearer token");
  const token = value.slice("Bearer ".length);
  if (token === "" || token.length > MAX_TOKEN) throw new CaError("UNAUTHENTICATED", "the token is empty or too long");
  return token;
}
