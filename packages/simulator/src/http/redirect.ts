import type { RedirectAction } from "../envoy.ts";
import type { LocalReply } from "../filter/outcome.ts";
import { redirectLocation } from "../route/rewrite.ts";
import type { CompiledRoute } from "../route/route-match.ts";
import type { HttpSubject } from "../subject.ts";

const CODES = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

/** The answer of a redirecting route. */
export function redirectReply(compiled: CompiledRoute, redirect: RedirectAction, request: HttpSubject): LocalReply {
  const status = CODES[redirect.responseCode ?? "MOVED_PERMANENTLY"];
  return { status, headers: { location: redirectLocation(compiled, redirect, request) }, by: "redirect" };
}
