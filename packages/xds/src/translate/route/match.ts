import type { HttpMatch, StringMatch } from "@fairlead/config";
import { shared } from "../../proto/shared.ts";
import type { HeaderMatcher, MetadataMatcher, QueryParameterMatcher, RouteMatch } from "../../proto/types.ts";
import { claimMatcher, routingClaim } from "./jwt-claim.ts";
import { isPresenceMatch, stringMatcher } from "./string-match.ts";

type Matches = Readonly<Record<string, StringMatch>> | undefined;

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

const byNames = (matches: Matches): readonly (readonly [string, StringMatch])[] =>
  matches ? Object.entries(matches).sort(byName) : [];

/** What Envoy matches when a rule has no `match`. */
export const MATCH_ALL: RouteMatch = shared({ prefix: "/" });

/**
 * A match as Envoy knows it. `port`, `gateways`, `sourceLabels` and `sourceNamespace` are not among it: they are
 * decided while routes are made. `segments` makes a URI prefix match whole path segments, as Ingress and the Gateway
 * API mean it. Source: Istio API, `HTTPMatchRequest`.
 */
export function routeMatch(match: HttpMatch, segments = false): RouteMatch {
  const headers: HeaderMatcher[] = [];
  const dynamicMetadata: MetadataMatcher[] = [];
  for (const [name, value] of byNames(match.headers)) {
    const claim = routingClaim(name);
    if (claim) dynamicMetadata.push(claimMatcher(claim, value));
    else headers.push(headerMatcher(name, value));
  }
  for (const [name, value] of byNames(match.withoutHeaders)) {
    const claim = routingClaim(name);
    if (claim) dynamicMetadata.push({ ...claimMatcher(claim, value), invert: true });
    else headers.push(without(headerMatcher(name, value), value));
  }
  headers.sort((a, b) => byName([a.name ?? "", a], [b.name ?? "", b]));
  if (match.method) headers.push(headerMatcher(":method", match.method));
  if (match.authority) headers.push(headerMatcher(":authority", match.authority));
  if (match.scheme) headers.push(headerMatcher(":scheme", match.scheme));
  const made: RouteMatch = { ...pathOf(match.uri, segments), caseSensitive: !match.ignoreUriCase };
  if (headers.length > 0) made.headers = headers;
  if (match.queryParams) {
    const queryParameters = queryMatchers(match.queryParams);
    if (queryParameters.length > 0) made.queryParameters = queryParameters;
  }
  if (dynamicMetadata.length > 0) made.dynamicMetadata = dynamicMetadata;
  return made;
}

function pathOf(uri: StringMatch | undefined, segments: boolean): RouteMatch {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.regex !== undefined) return { safeRegex: { regex: uri.regex } };
  if (uri?.prefix === undefined) return MATCH_ALL;
  return segments && uri.prefix !== "/"
    ? { pathSeparatedPrefix: uri.prefix.replace(/\/$/, "") }
    : { prefix: uri.prefix };
}

function headerMatcher(name: string, match: StringMatch): HeaderMatcher {
  const matcher = isPresenceMatch(match) ? undefined : stringMatcher(match);
  return matcher ? { name, stringMatch: matcher } : { name, presentMatch: true };
}

/** A missing header counts as empty, so that it is without whatever is asked for; presence cannot be put that way. */
function without(matcher: HeaderMatcher, match: StringMatch): HeaderMatcher {
  return { ...matcher, invertMatch: true, ...(isPresenceMatch(match) ? {} : { treatMissingHeaderAsEmpty: true }) };
}

function queryMatchers(matches: Matches): QueryParameterMatcher[] {
  return byNames(matches).map(([name, match]) => {
    const matcher = isPresenceMatch(match) ? undefined : stringMatcher(match);
    return matcher ? { name, stringMatch: matcher } : { name, presentMatch: true };
  });
}

/** Whether nothing can get past a route with this match, so that routes after it are never reached. */
export function isCatchAll(match: RouteMatch): boolean {
  const everyPath = match.prefix === "/" || match.pathSeparatedPrefix === "/" || match.safeRegex?.regex === ".*";
  return everyPath && !match.headers?.length && !match.queryParameters?.length && !match.dynamicMetadata?.length;
}
