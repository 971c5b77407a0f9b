import type { StringMatch } from "@fairlead/config";
import type { MetadataMatcher, ValueMatcher } from "../../proto/types.ts";
import { isPresenceMatch, stringMatcher } from "./string-match.ts";

const PREFIX = "@request.auth.claims";

/**
 * The claim that a header name stands for: `@request.auth.claims.group.id` or `@request.auth.claims[group][id]`;
 * undefined for any other header. Source: Istio "JWT claim based routing".
 */
export function routingClaim(header: string): readonly string[] | undefined {
  if (!header.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = header.slice(PREFIX.length);
  if (rest.startsWith(".") && rest.length > 1) return rest.slice(1).split(".");
  if (rest.startsWith("[") && rest.endsWith("]") && rest.length > 2) return rest.slice(1, -1).split("][");
  return undefined;
}

/** Matches the claim, a string or a member of a list of strings, in what Envoy's JWT filter left for the route. */
export function claimMatcher(claim: readonly string[], match: StringMatch): MetadataMatcher {
  const text = isPresenceMatch(match) ? undefined : stringMatcher(match);
  const value: ValueMatcher = text ? { stringMatch: text } : { presentMatch: true };
  return {
    filter: "envoy.filters.http.jwt_authn",
    path: ["payload", ...claim].map((key) => ({ key })),
    value: { orMatch: { valueMatchers: [{ listMatch: { oneOf: value } }, value] } },
  };
}
