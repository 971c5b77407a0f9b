import type { IncomingMessage, ServerResponse } from "node:http";
import { CaError } from "../error.ts";
import type { JwtAuthorityKey } from "../trust/bundle.ts";
import { jwkAlgorithm } from "./signature.ts";

export interface OidcDiscoveryOptions {
  /** The `iss` of the tokens: `https://HOST[/PATH]`, where this handler answers. */
  readonly issuer: string;
  readonly source: { readonly jwtAuthorities: readonly JwtAuthorityKey[] };
}

/**
 * OpenID Connect Discovery 1.0 for JWT-SVIDs, as handler of a node:https server, for consumers that know OIDC and not
 * SPIFFE (cloud providers, API gateways): `ISSUER/.well-known/openid-configuration` and the keys at `ISSUER/keys`.
 * Throws OPTION_INVALID.
 */
export function oidcDiscovery(
  options: OidcDiscoveryOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const url = URL.canParse(options.issuer) ? new URL(options.issuer) : undefined;
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || options.issuer.endsWith("/"))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(options.issuer)} is not https://HOST[/PATH]`);
  const base = url.pathname === "/" ? "" : url.pathname;
  const pages: Readonly<Record<string, () => object>> = {
    [`${base}/.well-known/openid-configuration`]: () => ({
      issuer: options.issuer,
      jwks_uri: `${options.issuer}/keys`,
      authorization_endpoint: "",
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [
        ...new Set(options.source.jwtAuthorities.map(({ publicKey }) => jwkAlgorithm(publicKey))),
      ],
    }),
    [`${base}/keys`]: () => ({
      keys: options.source.jwtAuthorities.map(({ keyId, publicKey }) => ({
        ...publicKey,
        kid: keyId,
        alg: jwkAlgorithm(publicKey),
        use: "sig",
      })),
    }),
  };
  return ({ method, url: target = "" }, response) => {
    const page = pages[target.split("?", 1)[0] ?? ""];
    if (page === undefined) return void response.writeHead(404).end();
    if (method !== "GET" && method !== "HEAD") return void response.writeHead(405, { allow: "GET, HEAD" }).end();
    const text = JSON.stringify(page());
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(method === "HEAD" ? undefined : text);
  };
}
