import type { JwtRule } from "@fairlead/config";
import { CLUSTER_DOMAIN } from "./mesh-settings.ts";

/** What fetching the public keys of a token issuer gave: a key set (RFC 7517) as it came, or why there is none. */
export type KeySet =
  | { readonly keys: string; readonly problem?: never }
  | { readonly keys?: never; readonly problem: string };

/**
 * Where the keys of a rule are to be asked for: its `jwksUri`, or else the issuer's OpenID configuration, which says where
 * they are (OpenID Connect Discovery 1.0, section 4). Undefined for rules that hold their keys.
 */
export function keySetUrl({ jwks, jwksUri, issuer = "" }: JwtRule): string | undefined {
  if (jwks) return undefined;
  return jwksUri || `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

/** The server of a `jwksUri`. */
export interface KeyServer {
  readonly host: string;
  readonly port: number;
  /** The names under which the mesh may know it: also the short ones that hosts have inside Kubernetes. */
  readonly names: readonly string[];
}

/** Undefined for what is not an HTTP URL. */
export function keyServer(uri: string): KeyServer | undefined {
  const [, scheme, host, port] = /^(https?):\/\/(\[[^\]]+\]|[^/:?#@]+)(?::(\d+))?(?:[/?#]|$)/.exec(uri) ?? [];
  if (!host) return undefined;
  const names = [host];
  if (/^[^.]+\.[^.]+$/.test(host)) names.push(`${host}.svc.${CLUSTER_DOMAIN}`);
  if (/^[^.]+\.[^.]+\.svc$/.test(host)) names.push(`${host}.${CLUSTER_DOMAIN}`);
  return { host, port: port ? Number(port) : scheme === "https" ? 443 : 80, names };
}
