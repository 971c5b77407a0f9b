import type { ServerUnaryCall, ServiceDefinition, sendUnaryData } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import type { JwtSvidIssuer } from "../jwt/jwt-authority.ts";
import type { BundleSource } from "../trust/bundle.ts";
import { marshalSpiffeBundle } from "../trust/spiffe-bundle.ts";
import { type Authenticator, authenticate } from "./authenticator.ts";
import { decodeMintRequest, encodeTextAndNumber } from "./jwt-wire.ts";
import { type RateLimits, rateLimiter } from "./rate-limit.ts";
import { type CertificateService, callIdentity, statusOf } from "./service.ts";

export interface JwtSvidServiceOptions {
  readonly issuer: JwtSvidIssuer;
  /** What callers verify tokens with, see `domainBundle`. */
  readonly bundle: BundleSource;
  /** Asked in order; the first that finds a caller decides. None: everybody is denied. */
  readonly authenticators: readonly Authenticator[];
  readonly rateLimits?: Partial<RateLimits>;
  readonly clock?: Pick<Clock, "now">;
}

const raw = (bytes: Buffer): Buffer => bytes;
const method = (name: string): ServiceDefinition[string] => ({
  path: `/fairlead.ca.v1.JwtSvids/${name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});

export const JWT_SVIDS = { Mint: method("Mint"), Bundle: method("Bundle") } satisfies ServiceDefinition;

/**
 * JWT-SVIDs for agents: of the authenticated caller's identity, whatever the request says. One-time credentials are not
 * spent by it: they are for a certificate, by which agents then come.
 */
export function jwtSvidService(options: JwtSvidServiceOptions): CertificateService {
  const { issuer, bundle, authenticators, clock = systemClock } = options;
  const limit = rateLimiter(options.rateLimits, clock);
  const answer =
    (work: (call: ServerUnaryCall<Buffer, Buffer>) => Promise<Buffer>) =>
    (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      work(call).then(
        (bytes) => callback(null, bytes),
        (error: unknown) => callback(statusOf(toCaError(error, "SIGNING_FAILED", "the request could not be served"))),
      );
    };
  const callerOf = async (call: ServerUnaryCall<Buffer, Buffer>) => {
    const caller = await authenticate(callIdentity(call), authenticators);
    caller.settle?.(false);
    limit(caller.identity.uri);
    return caller;
  };
  return {
    definition: JWT_SVIDS,
    implementation: {
      Mint: answer(async (call) => {
        const request = decodeMintRequest(call.request);
        const { identity } = await callerOf(call);
        const { token, expiresAt } = await issuer.mint({ ...request, identity });
        return encodeTextAndNumber(token, expiresAt.getTime());
      }),
      Bundle: answer(async (call) => {
        await callerOf(call);
        if (bundle.bundle === undefined) throw new CaError("CA_NOT_READY", "there is no bundle yet");
        return encodeTextAndNumber(marshalSpiffeBundle(bundle.bundle), 0);
      }),
    },
  };
}
