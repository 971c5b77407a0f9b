import { get } from "node:https";
import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from "jose";
import { bodyOf } from "../body.ts";
import { readCertificates } from "../certificate/parse.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";

export interface IssuerKeysOptions {
  /** As it stands in the tokens. Its OpenID configuration says where its keys are (OpenID Connect Discovery 1.0, section 4). */
  readonly issuer: string;
  /** Where the keys are, so that nobody has to be asked. `http` only on loopback addresses, as above. */
  readonly jwksUri?: string;
  /** What the issuer's certificate is checked against in place of what Node trusts, PEM: that of a Kubernetes API server is its cluster's. */
  readonly roots?: string;
  /** Default: the global one, or one with `roots`. For a proxy. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock?: Pick<Clock, "now">;
}

/** Keys of an issuer that are fetched when needed. */
export interface IssuerKeys {
  keyFor(header: JWSHeaderParameters | undefined, token: FlattenedJWSInput | undefined): Promise<CryptoKey>;
}

/** Keys older than this are fetched again, those in hand being used meanwhile; and those older than that are not used. */
const REFRESH_MS = 300_000;
const LAST_GOOD_MS = 86_400_000;
/** Tokens of strangers must not make us ask the issuer at will: for unknown keys, and after a failure. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 5_000;
/** Longest answer where `roots` are given. */
const MAX_BYTES = 1024 * 1024;

/**
 * Keys for {@link jwt}: fetched with the first token, again every five minutes and, at most every 30 seconds, for a key that is not
 * known yet. While the issuer cannot be reached the last ones are used, for a day. Throws OPTION_INVALID for what is not HTTPS.
 */
export function issuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { issuer, jwksUri, roots, clock = systemClock } = options;
  const ask = options.fetch ?? (roots === undefined ? (url, init) => fetch(url, init) : pinnedFetch(roots));
  const configuration = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  secureUrl(jwksUri ?? configuration);
  type Keys = ReturnType<typeof createRemoteJWKSet>;
  let found: Keys | undefined;
  let looking: Promise<Keys> | undefined;
  let [failedAt, triedAt, fetchedAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];

  const look = async (): Promise<Keys> => {
    const keys = createRemoteJWKSet(jwksUri === undefined ? await discover() : secureUrl(jwksUri), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: (url, init) => ask(url, init),
    });
    await keys.reload();
    fetchedAt = clock.now();
    found = keys;
    return keys;
  };
  const discover = async (): Promise<URL> => {
    const response = await ask(configuration, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new Error(`${configuration} answers ${response.status}`);
    const told = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (told.issuer !== issuer) throw new Error(`${configuration} is of another issuer`);
    return secureUrl(String(told.jwks_uri));
  };
  const lookAgain = () => {
    looking ??= look()
      .catch((cause: unknown) => {
        // From when it was asked: how long it took to fail says nothing of when to ask again.
        failedAt = triedAt;
        throw new CaError("UNAUTHENTICATED", `the keys of ${issuer} cannot be had: ${(cause as Error).message}`, {
          cause,
        });
      })
      .finally(() => {
        looking = undefined;
      });
    triedAt = clock.now();
    return looking;
  };
  const coolingDown = () => clock.now() - failedAt < COOLDOWN_MS;

  return {
    async keyFor(header, token) {
      if (found && clock.now() - fetchedAt > LAST_GOOD_MS) found = undefined;
      if (!found) {
        if (coolingDown()) throw new CaError("UNAUTHENTICATED", `the keys of ${issuer} could not be had a moment ago`);
        return (await lookAgain())(header, token);
      }
      // Nobody waits for this; if it fails, those in hand stay.
      if (clock.now() - triedAt > REFRESH_MS) void lookAgain().catch(() => undefined);
      return found(header, token);
    },
  };
}

/** A GET over HTTPS to servers of these roots; redirects are not followed. */
function pinnedFetch(roots: string): NonNullable<IssuerKeysOptions["fetch"]> {
  readCertificates(roots, "OPTION_INVALID");
  return (url, { headers, signal }) =>
    new Promise((resolve, reject) => {
      const given = { headers: Object.fromEntries(new Headers(headers)), ...(signal ? { signal } : {}) };
      get(url, { ca: roots, agent: false, ...given }, (response) => {
        const { statusCode: status = 500 } = response;
        bodyOf(response, MAX_BYTES).then((body) => resolve(new Response(body, { status })), reject);
      }).on("error", reject);
    });
}

/** A URL over which keys may come: HTTPS, or HTTP on this machine. */
function secureUrl(text: string): URL {
  const url = URL.parse(text);
  const loopback = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && loopback)) return url;
  throw new CaError("OPTION_INVALID", `${JSON.stringify(text)} is not an HTTPS URL`);
}
