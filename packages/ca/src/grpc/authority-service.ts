import type { UnaryMethod } from "@fairlead/grpc";
import type { AuditRecord, AuditSink } from "../authority/audit.ts";
import type { Authority } from "../authority/authority.ts";
import type { SelfSignedAuthority } from "../authority/self-signed.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import { type Authenticator, authenticate, type Caller, type CallIdentity } from "./authenticator.ts";
import { AUTHORITY_METHODS, type AuthorityMethod, type AuthorityState } from "./authority-wire.ts";
import { decodeTextAndNumber, encodeTextAndNumber } from "./jwt-wire.ts";
import { type RateLimits, rateLimiter } from "./rate-limit.ts";
import { asGrpcError, callIdentity } from "./service.ts";

export interface AuthorityServiceOptions {
  /** What it can do is what may be asked of it: roots are changed one by one at a {@link SelfSignedAuthority} only. */
  readonly authority: Authority &
    Partial<Pick<SelfSignedAuthority, "slots" | "prepare" | "activate" | "taint" | "retire">>;
  /** Asked in order; the first that finds a caller decides. None: everybody is denied. */
  readonly authenticators: readonly Authenticator[];
  /** Who may change the authority and revoke certificates; throws to refuse. Without it nobody. */
  readonly admins?: (caller: Caller) => void | Promise<void>;
  readonly rateLimits?: Partial<RateLimits>;
  /** Told of every change that was made or refused. */
  readonly audit?: AuditSink;
  readonly clock?: Pick<Clock, "now">;
}

/**
 * An authority over the network: every caller of the mesh may see its roots and their state and have the CRLs; administrators may
 * prepare, activate, taint and retire roots, and revoke certificates. One-time credentials are not spent by it.
 */
export function authorityService(options: AuthorityServiceOptions): readonly UnaryMethod[] {
  const { authority, authenticators, admins, audit, clock = systemClock } = options;
  const limit = rateLimiter(options.rateLimits, clock);

  const change = async (method: AuthorityMethod, text: string): Promise<void> => {
    const cannot = () => new CaError("ROTATION_REFUSED", `this authority cannot do this: ${method}`);
    const id = () => {
      if (/^[0-9a-f]{1,128}$/.test(text)) return text;
      throw new CaError("OPTION_INVALID", `${method} takes an id in hex`);
    };
    if (method === "prepare") await (authority.prepare ?? fail(cannot))();
    else if (method === "activate") await (authority.activate ?? fail(cannot))(id());
    else if (method === "taint") await (authority.taint ?? fail(cannot))(id());
    else if (method === "retire") await (authority.retire ?? fail(cannot))(id(), { force: true });
    else await (authority.revoke?.bind(authority) ?? fail(cannot))(id());
  };

  const answer = async (method: AuthorityMethod, text: string, call: CallIdentity): Promise<string> => {
    const reads = method === "state" || method === "revocationLists";
    const what = `${method} ${text.slice(0, 200)}`.trimEnd();
    let caller: Caller | undefined;
    try {
      caller = await authenticate(call, authenticators);
      caller.settle?.(false);
      limit(caller.identity.uri);
      if (method === "state") return JSON.stringify(stateOf(authority));
      if (method === "revocationLists") return (await authority.revocationLists?.()) ?? "";
      await mustBeAdmin(caller, admins);
      await change(method, text);
      tell(audit, { ...asker(caller, call), time: clock.now(), outcome: "changed", message: what });
      return JSON.stringify(stateOf(authority));
    } catch (cause) {
      const error = toCaError(cause, "SIGNING_FAILED", "the request could not be served");
      const { code } = error;
      const message = `${what} (peer ${call.peer}): ${error.message}`;
      if (!reads) tell(audit, { ...asker(caller, call), time: clock.now(), outcome: "refused", code, message });
      throw error;
    }
  };

  const methods = Object.entries(AUTHORITY_METHODS) as [AuthorityMethod, string][];
  return methods.map(([name, path]) => ({
    kind: "unary",
    path,
    async answer(request, call) {
      try {
        return encodeTextAndNumber(await answer(name, textOf(request), callIdentity(call)), 0);
      } catch (error) {
        throw asGrpcError(error as CaError);
      }
    },
  }));
}

function textOf(request: Buffer): string {
  try {
    return decodeTextAndNumber(request).text;
  } catch (cause) {
    throw new CaError("OPTION_INVALID", "the message is not a request to an authority", { cause });
  }
}

const asker = (caller: Caller | undefined, { peer }: CallIdentity): Pick<AuditRecord, "caller"> =>
  caller ? { caller: { authenticator: caller.authenticator, identity: caller.identity.uri, peer } } : {};

async function mustBeAdmin(caller: Caller, admins: AuthorityServiceOptions["admins"]): Promise<void> {
  const denied = (why: string, cause?: unknown) =>
    new CaError("POLICY_DENIED", `${caller.identity.uri} may not change the authority: ${why}`, { cause });
  if (admins === undefined) throw denied("nobody may");
  try {
    await admins(caller);
  } catch (cause) {
    throw denied((cause as Error)?.message, cause);
  }
}

function stateOf({
  trustDomain,
  authorityId,
  notAfter,
  trustBundle,
  intermediates,
  slots = [],
}: AuthorityServiceOptions["authority"]): AuthorityState {
  const { x509Authorities, sequence } = trustBundle;
  return {
    ...{ trustDomain, authorityId, notAfter, intermediates },
    trustBundle: { x509Authorities, sequence },
    slots: slots.map(({ keyId: _, ...slot }) => slot),
  };
}

function fail(error: () => CaError): never {
  throw error();
}

function tell(audit: AuditSink | undefined, record: AuditRecord): void {
  try {
    audit?.(record);
  } catch {
    // An audit sink that fails must not change an answer; sinks report their own failures.
  }
}
