import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { AuditRecord, AuditSink } from "../authority/audit.ts";
import type { Authority } from "../authority/authority.ts";
import type { SelfSignedAuthority } from "../authority/self-signed.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import { type Authenticator, authenticate, type Caller, type CallIdentity } from "./authenticator.ts";
import { AUTHORITY_METHODS, type AuthorityMethod, type AuthorityState } from "./authority-wire.ts";
import { decodeTextAndNumber, encodeTextAndNumber } from "./jwt-wire.ts";
import { type RateLimits, rateLimiter } from "./rate-limit.ts";
import { type CertificateService, callIdentity, statusOf } from "./service.ts";

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

/** Answers one call: the text of a request to that of an answer. Throws {@link CaError}. */
export type AuthorityCall = (method: AuthorityMethod, text: string, call: CallIdentity) => Promise<string>;

/**
 * An authority over the network: every caller of the mesh may see its roots and their state and have the CRLs; administrators may
 * prepare, activate, taint and retire roots, and revoke certificates. One-time credentials are not spent by it.
 */
export function authorityService(options: AuthorityServiceOptions): AuthorityCall {
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

  return async (method, text, call) => {
    const caller = await authenticate(call, authenticators);
    caller.settle?.(false);
    limit(caller.identity.uri);
    if (method === "state") return JSON.stringify(stateOf(authority));
    if (method === "revocationLists") return (await authority.revocationLists?.()) ?? "";
    const asked: Pick<AuditRecord, "caller"> = {
      caller: { authenticator: caller.authenticator, identity: caller.identity.uri, peer: call.peer },
    };
    const what = `${method} ${text}`.trimEnd();
    try {
      await mustBeAdmin(caller, admins);
      await change(method, text);
      tell(audit, { ...asked, time: clock.now(), outcome: "changed", message: what });
      return JSON.stringify(stateOf(authority));
    } catch (error) {
      const { code, message } = error instanceof CaError ? error : new CaError("SIGNING_FAILED", `${what} failed`);
      tell(audit, {
        ...asked,
        time: clock.now(),
        outcome: "refused",
        code,
        message: `${what.slice(0, 200)}: ${message}`,
      });
      throw error;
    }
  };
}

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

/** As grpc-js serves it. */
export function authorityGrpcJs(options: AuthorityServiceOptions): CertificateService {
  const answer = authorityService(options);
  const raw = (bytes: Buffer): Buffer => bytes;
  const codec = { requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
  const methods = Object.entries(AUTHORITY_METHODS) as [AuthorityMethod, string][];
  return {
    definition: Object.fromEntries(
      methods.map(([name, path]) => [name, { path, requestStream: false, responseStream: false, ...codec }]),
    ),
    implementation: Object.fromEntries(
      methods.map(([name]) => [
        name,
        (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
          const work = async () => answer(name, decodeTextAndNumber(call.request).text, callIdentity(call));
          work().then(
            (text) => callback(null, encodeTextAndNumber(text, 0)),
            (error: unknown) =>
              callback(statusOf(toCaError(error, "SIGNING_FAILED", "the request could not be served"))),
          );
        },
      ]),
    ),
  };
}
