import { type Call, GrpcError, type UnaryMethod } from "@fairlead/grpc";
import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import type { AuditRecord, AuditSink } from "../authority/audit.ts";
import type { Authority } from "../authority/authority.ts";
import type { IssuedCertificate } from "../authority/issue.ts";
import type { IssuanceLedger } from "../authority/ledger.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import { type Authenticator, authenticate, type Caller, type CallIdentity } from "./authenticator.ts";
import { CREATE_CERTIFICATE } from "./definition.ts";
import { type RateLimits, rateLimiter } from "./rate-limit.ts";
import { SUBORDINATE_PROFILE } from "./upstream.ts";
import { type CertificateRequest, decodeRequest, encodeResponse } from "./wire.ts";

/** Decides whether `caller` may have a certificate of `identity`; throws to refuse. For node agents such as ztunnel. */
export type ImpersonationRule = (caller: Caller, identity: SpiffeId) => void | Promise<void>;

export interface CertificateServiceOptions {
  readonly authority: Authority;
  /** Asked in order; the first that finds a caller decides. None: everybody is denied. */
  readonly authenticators: readonly Authenticator[];
  /** Without it nobody gets another's certificate. */
  readonly impersonation?: ImpersonationRule;
  /**
   * Who may have the certificate of an authority below this one (metadata `CertificateProfile: subordinate-ca`); throws
   * to refuse. Without it nobody. The authority must be one that can (`issueSubordinate`).
   */
  readonly subordinates?: (caller: Caller) => void | Promise<void>;
  /** Authorities that a request may ask for by name (metadata `CertSigner`): a map, or `kubernetesSigners`. */
  readonly signers?: { get(name: string): Authority | undefined | Promise<Authority | undefined> };
  readonly rateLimits?: Partial<RateLimits>;
  /** Told of each certificate that went out, with the roots that went with it; for root rotation. */
  readonly ledger?: IssuanceLedger;
  /** Told of refusals before the authority; what the authority decides it tells its own audit. */
  readonly audit?: AuditSink;
  readonly clock?: Pick<Clock, "now">;
}

/**
 * The method of Istio's certificate service, for `listenGrpc` of `@fairlead/grpc`, or any grpc-js server by its
 * `grpcJsService`. The server must be bound with TLS: tokens travel in the clear otherwise. Whatever goes wrong is a status
 * with a code of {@link CaError}; details of authentication stay inside.
 */
export function certificateService(options: CertificateServiceOptions): UnaryMethod {
  const { authority, authenticators, impersonation, signers, ledger, audit, clock = systemClock } = options;
  const limit = rateLimiter(options.rateLimits, clock);

  const answer = async (message: Buffer, call: Call): Promise<Buffer> => {
    let caller: Caller | undefined;
    let audited = false;
    let issued = false;
    try {
      const request = decodeRequest(message);
      caller = await authenticate(callIdentity(call), authenticators);
      limit(caller.identity.uri);
      if (request.metadata.CertificateProfile !== undefined) {
        const asked = auditCaller(caller, call);
        const made = await subordinate(request, caller, asked, options);
        issued = true;
        return encodeResponse({ certChain: [...made.certificateChain, made.roots.join("")] });
      }
      const identity = await grantedIdentity(caller, request, authority.trustDomain, impersonation);
      const signer = await chooseSigner(request, authority, signers);
      audited = true;
      const { sequence } = signer.trustBundle;
      const { certificateChain, roots, ...issuedAs } = await signer.issue({
        csr: request.csr,
        identity,
        ttlSeconds: request.validityDuration,
        caller: auditCaller(caller, call),
      });
      issued = true;
      const { serial, notAfter, authorityId } = issuedAs;
      if (signer === authority)
        ledger?.record({
          serial,
          notAfter: notAfter.getTime(),
          authorityId,
          sequence,
          replaces: caller.attributes?.serial,
        });
      return encodeResponse({ certChain: [...certificateChain, roots.join("")] });
    } catch (error) {
      const failure = toCaError(error, "SIGNING_FAILED", "the request could not be served");
      if (!audited) tell(audit, clock.now(), failure, caller && auditCaller(caller, call), call.peer.address);
      throw asGrpcError(failure);
    } finally {
      caller?.settle?.(issued);
    }
  };

  return { kind: "unary", path: CREATE_CERTIFICATE, answer };
}

/** What authenticators see of a call. */
export function callIdentity(call: Call): CallIdentity {
  const { address, certificate } = call.peer;
  return { peer: address, certificate: certificate?.der, metadata: (name) => call.metadata(name) };
}

async function grantedIdentity(
  caller: Caller,
  { metadata }: CertificateRequest,
  trustDomain: string,
  rule: ImpersonationRule | undefined,
): Promise<SpiffeId> {
  const wanted = metadata.ImpersonatedIdentity;
  if (wanted === undefined || wanted === "") return caller.identity;
  const deny = (why: string, cause?: unknown) => new CaError("IMPERSONATION_DENIED", why, { cause });
  if (typeof wanted !== "string") throw deny("ImpersonatedIdentity is not a string");
  if (rule === undefined)
    throw deny(`${caller.identity.uri} asked for ${wanted.slice(0, 200)}, and nobody may impersonate`);
  let identity: SpiffeId;
  try {
    identity = parseSpiffeId(wanted);
  } catch (cause) {
    throw deny("ImpersonatedIdentity is not a SPIFFE ID", cause);
  }
  if (identity.trustDomain !== trustDomain || caller.identity.trustDomain !== trustDomain)
    throw deny(`${identity.uri} is of another trust domain than ${trustDomain}`);
  try {
    await rule(caller, identity);
  } catch (cause) {
    throw deny(`${caller.identity.uri} may not impersonate ${identity.uri}: ${(cause as Error)?.message}`, cause);
  }
  return identity;
}

async function subordinate(
  { csr, validityDuration, metadata }: CertificateRequest,
  caller: Caller,
  asked: NonNullable<AuditRecord["caller"]>,
  { authority, subordinates }: CertificateServiceOptions,
): Promise<IssuedCertificate> {
  const denied = (why: string, cause?: unknown) =>
    new CaError("POLICY_DENIED", `${caller.identity.uri} may not be an authority: ${why}`, { cause });
  if (metadata.CertificateProfile !== SUBORDINATE_PROFILE.CertificateProfile)
    throw new CaError("POLICY_DENIED", "there is no such CertificateProfile");
  if (subordinates === undefined || authority.issueSubordinate === undefined) throw denied("nobody may");
  try {
    await subordinates(caller);
  } catch (cause) {
    throw denied((cause as Error)?.message, cause);
  }
  return authority.issueSubordinate({ csr, ttlSeconds: Math.max(0, validityDuration), caller: asked });
}

async function chooseSigner(
  { metadata }: CertificateRequest,
  authority: Authority,
  signers: CertificateServiceOptions["signers"],
): Promise<Authority> {
  const name = metadata.CertSigner;
  if (name === undefined || name === "") return authority;
  const found = typeof name === "string" ? await signers?.get(name) : undefined;
  if (found === undefined) throw new CaError("SIGNER_UNKNOWN", "there is no such CertSigner");
  return found;
}

function auditCaller(caller: Caller, call: Call): NonNullable<AuditRecord["caller"]> {
  return { authenticator: caller.authenticator, identity: caller.identity.uri, peer: call.peer.address };
}

function tell(
  audit: AuditSink | undefined,
  time: number,
  failure: CaError,
  caller: AuditRecord["caller"] | undefined,
  peer: string,
): void {
  try {
    audit?.({
      time,
      outcome: "refused",
      code: failure.code,
      message: caller ? failure.message : `${failure.message} (peer ${peer})`,
      ...(caller ? { caller } : {}),
    });
  } catch {
    // An audit sink that fails must not change an answer; sinks report their own failures.
  }
}

/** An error as the caller is told of it, with the standard retry hint where there is one. */
export function asGrpcError(error: CaError): GrpcError {
  const { code, grpcStatus, publicMessage, retryAfterMs } = error;
  const hint = retryAfterMs === undefined ? {} : { "grpc-retry-pushback-ms": String(retryAfterMs) };
  return new GrpcError(grpcStatus, publicMessage, { metadata: { "fairlead-code": code, ...hint }, cause: error });
}
