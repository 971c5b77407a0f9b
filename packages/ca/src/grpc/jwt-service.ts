import type { Call, UnaryMethod } from "@fairlead/grpc";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import type { JwtSvidIssuer } from "../jwt/jwt-authority.ts";
import type { BundleSource } from "../trust/bundle.ts";
import { marshalSpiffeBundle } from "../trust/spiffe-bundle.ts";
import { type Authenticator, authenticate } from "./authenticator.ts";
import { decodeMintRequest, encodeTextAndNumber } from "./jwt-wire.ts";
import { type RateLimits, rateLimiter } from "./rate-limit.ts";
import { asGrpcError, callIdentity } from "./service.ts";

export interface JwtSvidServiceOptions {
  readonly issuer: JwtSvidIssuer;
  /** What callers verify tokens with, see `domainBundle`. */
  readonly bundle: BundleSource;
  /** Asked in order; the first that finds a caller decides. None: everybody is denied. */
  readonly authenticators: readonly Authenticator[];
  readonly rateLimits?: Partial<RateLimits>;
  readonly clock?: Pick<Clock, "now">;
}

/** The methods. */
export const JWT_SVIDS = {
  mint: "/fairlead.ca.v1.JwtSvids/Mint",
  bundle: "/fairlead.ca.v1.JwtSvids/Bundle",
} as const;

/**
 * JWT-SVIDs for agents: of the authenticated caller's identity, whatever the request says. One-time credentials are not
 * spent by it: they are for a certificate, by which agents then come.
 */
export function jwtSvidService(options: JwtSvidServiceOptions): readonly UnaryMethod[] {
  const { issuer, bundle, authenticators, clock = systemClock } = options;
  const limit = rateLimiter(options.rateLimits, clock);
  const method = (path: string, work: (message: Buffer, call: Call) => Promise<Buffer>): UnaryMethod => ({
    kind: "unary",
    path,
    answer: (message, call) =>
      work(message, call).catch((error: unknown) => {
        throw asGrpcError(toCaError(error, "SIGNING_FAILED", "the request could not be served"));
      }),
  });
  const callerOf = async (call: Call) => {
    const caller = await authenticate(callIdentity(call), authenticators);
    caller.settle?.(false);
    limit(caller.identity.uri);
    return caller;
  };
  return [
    method(JWT_SVIDS.mint, async (message, call) => {
      const request = decodeMintRequest(message);
      const { identity } = await callerOf(call);
      const { token, expiresAt } = await issuer.mint({ ...request, identity });
      return encodeTextAndNumber(token, expiresAt.getTime());
    }),
    method(JWT_SVIDS.bundle, async (_message, call) => {
      await callerOf(call);
      if (bundle.bundle === undefined) throw new CaError("CA_NOT_READY", "there is no bundle yet");
      return encodeTextAndNumber(marshalSpiffeBundle(bundle.bundle), 0);
    }),
  ];
}
