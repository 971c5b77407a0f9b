import { IdentityError, parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JWK, type JWTPayload, jwtVerify } from "jose";
import { CaError } from "../error.ts";
import type { TrustBundle } from "../trust/bundle.ts";

export interface VerifyJwtSvidOptions {
  /** Who the verifier is: the token must be for it. */
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The bundle of a trust domain, looked up by that of the token's subject; undefined: not trusted. */
  readonly bundle: (trustDomain: string) => TrustBundle | undefined;
  /** Seconds a clock may differ. Default 30. */
  readonly clockToleranceSeconds?: number;
}

export interface VerifiedJwtSvid {
  readonly id: SpiffeId;
  readonly audiences: readonly string[];
  readonly expiresAt: Date;
  readonly claims: Readonly<Record<string, unknown>>;
}

const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];
const HEADERS: ReadonlySet<string> = new Set(["alg", "kid", "typ"]);
const TYPES: ReadonlySet<unknown> = new Set([undefined, "JWT", "JOSE"]);
const MAX_TOKEN = 16_384;

/**
 * Verifies a JWT-SVID (SPIFFE JWT-SVID, sections 2 to 4): a compact JWS with only the headers alg, kid and typ; an
 * asymmetric algorithm; a subject that is a SPIFFE ID; this audience; an expiry; a signature by a JWT key of the bundle of
 * the subject's own trust domain. Throws SVID_INVALID; no message holds the token.
 */
export async function verifyJwtSvid(token: string, options: VerifyJwtSvidOptions): Promise<VerifiedJwtSvid> {
  const fail = (why: string): never => {
    throw new CaError("SVID_INVALID", why);
  };
  if (token.length > MAX_TOKEN || token.split(".").length !== 3) fail("not a compact JWS");
  let header: Record<string, unknown>;
  let claims: JWTPayload;
  try {
    header = decodeProtectedHeader(token) as Record<string, unknown>;
    claims = decodeJwt(token);
  } catch {
    return fail("the token is not a JWT");
  }
  const strange = Object.keys(header).find((name) => !HEADERS.has(name));
  if (strange !== undefined) fail(`the header has ${JSON.stringify(strange.slice(0, 40))}`);
  if (!TYPES.has(header.typ)) fail("the token is of another type");
  if (typeof header.kid !== "string" || header.kid === "") fail("the header has no kid");
  const id = subject(claims.sub);
  const bundle = options.bundle(id.trustDomain) ?? fail(`the trust domain ${id.trustDomain} is not trusted`);
  const keys = (bundle.jwtAuthorities ?? []).map(({ keyId, publicKey }) => ({ ...publicKey, kid: keyId }) as JWK);
  if (!keys.some(({ kid }) => kid === header.kid)) fail(`the bundle of ${id.trustDomain} has no such key`);
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), {
      audience: options.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ["sub", "aud", "exp"],
      clockTolerance: options.clockToleranceSeconds ?? 30,
      currentDate: new Date(options.at),
    });
    const audiences = typeof payload.aud === "string" ? [payload.aud] : (payload.aud ?? []);
    return { id, audiences, expiresAt: new Date((payload.exp ?? 0) * 1000), claims: payload };
  } catch (cause) {
    throw new CaError("SVID_INVALID", `the token does not hold: ${(cause as Error).message}`);
  }
}

function subject(sub: unknown): SpiffeId {
  try {
    const id = parseSpiffeId(String(sub));
    if (id.path !== "") return id;
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
  }
  throw new CaError("SVID_INVALID", "the subject is not the SPIFFE ID of a workload");
}
