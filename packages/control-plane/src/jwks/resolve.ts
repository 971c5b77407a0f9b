import { type FetchOptions, fetchText } from "./fetch.ts";

const OPENID = "/.well-known/openid-configuration";

/**
 * The key set behind a URL, as it came: the document itself, or where it is an issuer's OpenID configuration, the one that
 * it names. Rejects with what is wrong; nothing of an answer that is not a key set stands there, as it may be anybody's.
 */
export async function fetchKeySet(url: string, options: FetchOptions): Promise<string> {
  if (!url.endsWith(OPENID)) return keySet(await fetchText(url, options), url);
  const issuer = url.slice(0, -OPENID.length);
  const configuration = parsed(await fetchText(url, options), url);
  const named = configuration.issuer;
  if (typeof named === "string" && named.replace(/\/$/, "") !== issuer)
    throw new Error(`${url} is the configuration of another issuer`);
  const { jwks_uri: uri } = configuration;
  if (typeof uri !== "string") throw new Error(`${url} has no jwks_uri`);
  return keySet(await fetchText(uri, options), uri);
}

function keySet(text: string, url: string): string {
  const { keys } = parsed(text, url);
  if (!Array.isArray(keys)) throw new Error(`${url} gives no key set (RFC 7517)`);
  return text;
}

function parsed(text: string, url: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, without a piece of the text.
  }
  throw new Error(`${url} gives no JSON object`);
}
