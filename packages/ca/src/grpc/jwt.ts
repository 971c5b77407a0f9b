import { parseTrustDomain, type SpiffeId, workloadSpiffeId } from "@fairlead/model";
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";
import { type Authenticator, bearerToken } from "./authenticator.ts";
import type { IssuerKeys } from "./issuer-keys.ts";

export interface JwtOptions {
  /** The issuer's public keys (RFC 7517); read at each call, so that they may be replaced. Or {@link issuerKeys}. */
  readonly keys: JSONWebKeySet | (() => JSONWebKeySet | Promise<JSONWebKeySet>) | IssuerKeys;
  readonly issuer: string;
  /** The token must be for one of these. Istio's is `istio-ca`. */
  readonly audiences: readonly string[];
  /** Whom the claims speak of. Default: {@link serviceAccountIdentity} in `trustDomain`. */
  readonly identity?: (claims: JWTPayload) => SpiffeId;
  readonly trustDomain: string;
  /** Seconds a clock may differ. Default 30. */
  readonly clockToleranceSeconds?: number;
  readonly clock?: Pick<Clock, "now">;
}

/** Asymmetric algorithms only: no `none`, and no HMAC that a public key could be misused for. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
const HEADERS: ReadonlySet<string> = new Set(["alg", "kid", "typ"]);
const TYPES: ReadonlySet<unknown> = new Set([undefined, "JWT", "JOSE", "at+jwt"]);

/**
 * Accepts JWTs of one issuer whose keys are given, or found by {@link issuerKeys}: Kubernetes service account tokens checked without the API server, or
 * any OIDC provider's. Required: a known algorithm, `iss`, `exp`, `sub` and one of the audiences; refused: headers that
 * name or carry keys.
 */
export function jwt(options: JwtOptions): Authenticator {
  const { keys, issuer, audiences, clock = systemClock, clockToleranceSeconds = 30 } = options;
  const trustDomain = parseTrustDomain(options.trustDomain);
  const identityOf = options.identity ?? ((claims: JWTPayload) => serviceAccountIdentity(trustDomain, claims.sub));
  if (audiences.length === 0) throw new CaError("OPTION_INVALID", "at least one audience is needed");
  return {
    name: "jwt",
    async authenticate(call) {
      const token = bearerToken(call);
      if (token === undefined || token.split(".").length !== 3) return undefined;
      const header = decodeProtectedHeader(token);
      const strange = Object.keys(header).find((name) => !HEADERS.has(name));
      if (strange !== undefined)
        throw new CaError("UNAUTHENTICATED", `the token's header has ${JSON.stringify(strange)}`);
      if (!TYPES.has(header.typ)) throw new CaError("UNAUTHENTICATED", "the token is of another type");
      const { payload } = await jwtVerify(token, await resolver(keys), {
        issuer,
        audience: [...audiences],
        algorithms: ALGORITHMS,
        requiredClaims: ["exp", "sub", "aud", "iss"],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.now()),
      });
      return { authenticator: "jwt", identity: identityOf(payload) };
    },
  };
}

async function resolver(keys: JwtOptions["keys"]): Promise<JWTVerifyGetKey> {
  if ("keyFor" in keys) return (header, token) => keys.keyFor(header, token);
  return createLocalJWKSet(typeof keys === "function" ? await keys() : keys);
}

/** The identity of a Kubernetes `sub`: exactly `system:serviceaccount:NAMESPACE:ACCOUNT`. Throws UNAUTHENTICATED. */
export function serviceAccountIdentity(trustDomain: string, subject: string | undefined): SpiffeId {
  const [system, kind, namespace, account, ...more] = (subject ?? "").split(":");
  const named = (name = "") => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name);
  if (system !== "system" || kind !== "serviceaccount" || more.length > 0 || !named(namespace) || !named(account))
    throw new CaError("UNAUTHENTICATED", "the subject is not system:serviceaccount:NAMESPACE:ACCOUNT");
  return workloadSpiffeId(trustDomain, namespace ?? "", account ?? "");
}
