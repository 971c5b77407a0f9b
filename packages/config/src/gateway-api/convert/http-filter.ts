import { type DurationText, formatDuration, parseDuration } from "../../common/duration.ts";
import type { StringMatch } from "../../kinds/virtual-service/http-match.ts";
import type {
  CorsPolicy,
  HeaderOperations,
  HttpMirror,
  HttpRedirect,
  HttpRewrite,
} from "../../kinds/virtual-service/http-route.ts";
import type { Cors, HeaderModifier, RequestMirror, RequestRedirect, UrlRewrite } from "../kinds/http-filter.ts";
import { convertBackend, type RouteContext, type RouteOwner } from "./backend.ts";
import type { Problem } from "./condition.ts";

/** Source: Gateway API `HTTPHeaderFilter`: names are case-insensitive, of equal ones the first counts. */
export function headerOperations({ set, add, remove }: HeaderModifier): HeaderOperations | Problem {
  for (const { name, value } of [...(set ?? []), ...(add ?? [])])
    if (hasControls(value))
      return { reason: "InvalidFilter", message: `header "${name}" value contains invalid characters` };
  return {
    ...(add?.length ? { add: byName(add) } : {}),
    ...(remove?.length ? { remove } : {}),
    ...(set?.length ? { set: byName(set) } : {}),
  };
}

/** Whether there is a character that no header value has; a tab is none. */
function hasControls(value: string): boolean {
  return [...value].some((character) => (character < " " && character !== "\t") || character === "\x7f");
}

function byName(headers: readonly { readonly name: string; readonly value: string }[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (const { name, value } of headers) named[name.toLowerCase()] ??= value;
  return named;
}

/** Source: Gateway API `HTTPRequestRedirectFilter`: without a port, the scheme's or the request's is used. */
export function redirectOf({ statusCode = 302, hostname, scheme, port, path }: RequestRedirect): HttpRedirect {
  return {
    redirectCode: statusCode,
    ...(hostname && { authority: hostname }),
    ...(scheme && { scheme }),
    ...(port !== undefined
      ? { port }
      : { derivePort: scheme ? ("FROM_PROTOCOL_DEFAULT" as const) : ("FROM_REQUEST_PORT" as const) }),
    ...(path?.replaceFullPath && { uri: path.replaceFullPath }),
    ...(path?.replacePrefixMatch && { prefixRewrite: path.replacePrefixMatch }),
  };
}

/** Source: Gateway API `HTTPURLRewriteFilter`. `/` in place of a prefix removes it with its slash. */
export function rewriteOf({ hostname, path }: UrlRewrite): HttpRewrite | undefined {
  const rewrite: HttpRewrite = {
    ...(hostname && { authority: hostname }),
    ...(path?.type === "ReplacePrefixMatch" && { uri: (path.replacePrefixMatch ?? "").replace(/\/$/, "") || "/" }),
    ...(path?.type === "ReplaceFullPath" && {
      uriRegexRewrite: { match: "/.*", rewrite: path.replaceFullPath ?? "" },
    }),
  };
  return Object.keys(rewrite).length > 0 ? rewrite : undefined;
}

/** Source: Gateway API `HTTPRequestMirrorFilter`. Without a share, all requests are copied. */
export function mirrorOf(context: RouteContext, owner: RouteOwner, mirror: RequestMirror): HttpMirror | Problem {
  const { destination, problem } = convertBackend(context, owner, mirror.backendRef);
  if (problem || !destination) return problem ?? { reason: "InvalidDestination", message: "leads nowhere" };
  const { fraction, percent } = mirror;
  const share = fraction ? (100 * fraction.numerator) / (fraction.denominator ?? 100) : percent;
  return { destination, ...(share !== undefined && { percentage: { value: share } }) };
}

/** An origin as RFC 6454 writes it, whatever its scheme and host. */
const ANY_ORIGIN = "^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+$";

/** Source: Gateway API `HTTPCORSFilter`. */
export function corsOf(cors: Cors): CorsPolicy {
  const { allowOrigins, allowCredentials, allowMethods, allowHeaders, exposeHeaders, maxAge } = cors;
  return {
    ...(allowOrigins?.length ? { allowOrigins: allowOrigins.map(originMatch) } : {}),
    ...(allowCredentials ? { allowCredentials } : {}),
    ...(allowMethods?.length ? { allowMethods } : {}),
    ...(allowHeaders?.length ? { allowHeaders } : {}),
    ...(exposeHeaders?.length ? { exposeHeaders } : {}),
    ...(maxAge ? { maxAge: `${maxAge}s` } : {}),
    unmatchedPreflights: "IGNORE",
  };
}

function originMatch(origin: string): StringMatch {
  if (origin === "*") return { regex: ANY_ORIGIN };
  const wildcards = origin.split("*").length - 1;
  if (wildcards === 0) return { exact: origin };
  if (wildcards === 1 && origin.endsWith("*")) return { prefix: origin.slice(0, -1) };
  return { regex: `^${origin.split("*").map(escapeRegex).join(".*")}$` };
}

/** The text as an RE2 that matches it and nothing else. */
function escapeRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

/** A duration of the Gateway API as ours are written; undefined where it is absent or zero, which sets no limit. */
export function limitOf(text: string | undefined): DurationText | undefined {
  const milliseconds = parseDuration(text ?? "");
  return milliseconds ? formatDuration(milliseconds) : undefined;
}
