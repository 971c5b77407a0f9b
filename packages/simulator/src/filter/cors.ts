import type { CorsPolicy } from "../envoy.ts";
import { stringTest } from "../match/string-test.ts";
import type { HttpSubject } from "../subject.ts";
import { type FilterOutcome, PASS } from "./outcome.ts";

/**
 * The CORS filter: it answers preflight requests of allowed origins itself; by default it forwards those of others.
 * Source: envoy.extensions.filters.http.cors.v3 and Envoy's cors_filter.
 */
export function applyCors(policy: CorsPolicy, { headers }: HttpSubject): FilterOutcome {
  const origin = headers.get("origin");
  if (origin === undefined || origin === "") return PASS;
  const preflight = isPreflight(headers);
  const allowed = (policy.allowOriginStringMatch ?? []).some(
    (matcher) => matcher.exact === "*" || stringTest(matcher).matches(origin),
  );
  if (!preflight || (!allowed && policy.forwardNotMatchingPreflights !== false)) return PASS;
  const answer: Record<string, string> = allowed ? { "access-control-allow-origin": origin } : {};
  if (policy.allowCredentials) answer["access-control-allow-credentials"] = "true";
  if (policy.allowMethods) answer["access-control-allow-methods"] = policy.allowMethods;
  if (policy.allowHeaders) answer["access-control-allow-headers"] = policy.allowHeaders;
  if (policy.maxAge) answer["access-control-max-age"] = policy.maxAge;
  return { reply: { status: 200, headers: answer, by: "cors" } };
}

/** Whether a browser asks beforehand what it may ask. Source: Fetch standard, CORS protocol. */
export function isPreflight(headers: HttpSubject["headers"]): boolean {
  return (
    headers.get(":method") === "OPTIONS" &&
    Boolean(headers.get("origin")) &&
    headers.has("access-control-request-method")
  );
}
