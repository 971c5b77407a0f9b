import { byteLength } from "../../ingress/routes.ts";
import type { HttpMatch, StringMatch } from "../../kinds/virtual-service/http-match.ts";
import type { HttpRoute } from "../../kinds/virtual-service/http-route.ts";

/**
 * Which rule is tried first, whatever their order in routes: by the kind and length of the path, then whether there is a
 * method, then by the number of headers and of query parameters; what matches everything comes last. Equal ones stay as they
 * are. Each rule has one match. Source: Gateway API `HTTPRouteRule.matches`.
 */
export function byPrecedence(a: HttpRoute, b: HttpRoute): number {
  const [one, other] = [a.match?.[0], b.match?.[0]];
  if (!one || !other) return Number(!one) - Number(!other);
  return (
    rank(other.uri) - rank(one.uri) ||
    length(other.uri) - length(one.uri) ||
    Number(other.method !== undefined) - Number(one.method !== undefined) ||
    count(other, "headers") - count(one, "headers") ||
    count(other, "queryParams") - count(one, "queryParams")
  );
}

function rank(uri: StringMatch | undefined): number {
  if (uri?.exact !== undefined) return 3;
  if (uri?.prefix !== undefined) return 2;
  return uri?.regex === undefined ? -1 : 1;
}

function length(uri: StringMatch | undefined): number {
  return byteLength(uri?.exact ?? uri?.prefix ?? uri?.regex ?? "");
}

function count(match: HttpMatch, field: "headers" | "queryParams"): number {
  return Object.keys(match[field] ?? {}).length;
}
