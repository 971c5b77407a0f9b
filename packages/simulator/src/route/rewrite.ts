import type { ClusterWeight, RedirectAction, RegexMatchAndSubstitute, RouteAction } from "../envoy.ts";
import { unpack } from "../envoy.ts";
import { globalReplace } from "../match/regex.ts";
import type { HttpSubject } from "../subject.ts";
import type { CompiledRoute } from "./route-match.ts";

interface PathRewrite {
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RegexMatchAndSubstitute;
}

/** The path after a route's rewrite, query kept; undefined when it has none. Source: RouteEntryImplBase of Envoy. */
export function rewritePath(
  { path: test }: CompiledRoute,
  rewrite: PathRewrite,
  subject: HttpSubject,
): string | undefined {
  const { pathname, path } = subject;
  const query = path.slice(pathname.length);
  if (rewrite.regexRewrite)
    return (
      globalReplace(pathname, rewrite.regexRewrite.pattern?.regex ?? "", rewrite.regexRewrite.substitution ?? "") +
      query
    );
  if (rewrite.prefixRewrite === undefined || rewrite.prefixRewrite === "") return undefined;
  const matched = test?.prefix ?? pathname;
  return rewrite.prefixRewrite + pathname.slice(matched.length) + query;
}

/** What a route action makes of path and authority; absent where it leaves them. */
export function forwardRewrites(
  compiled: CompiledRoute,
  action: RouteAction,
  weighted: ClusterWeight | undefined,
  subject: HttpSubject,
): { readonly path?: string; readonly authority?: string } {
  const path = rewritePath(compiled, action, subject) ?? templateRewrite(compiled, action);
  const authority = authorityRewrite(action, weighted, subject);
  return { ...(path !== undefined && { path }), ...(authority !== undefined && { authority }) };
}

function authorityRewrite(
  action: RouteAction,
  weighted: ClusterWeight | undefined,
  subject: HttpSubject,
): string | undefined {
  const literal = weighted?.hostRewriteLiteral || action.hostRewriteLiteral || action.hostRewrite;
  if (literal) return literal;
  if (action.hostRewriteHeader) return subject.headers.get(action.hostRewriteHeader.toLowerCase()) || undefined;
  const byPath = action.hostRewritePathRegex;
  return byPath && globalReplace(subject.pathname, byPath.pattern?.regex ?? "", byPath.substitution ?? "");
}

function templateRewrite(_: CompiledRoute, action: RouteAction): string | undefined {
  const policy = unpack<{ pathTemplateRewrite?: string }>(
    action.pathRewritePolicy?.typedConfig,
    "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
  );
  // Without captured names the template is the path.
  return policy?.pathTemplateRewrite?.includes("{") === false ? policy.pathTemplateRewrite : undefined;
}

/** The `location` of a redirect. Source: RouteEntryImplBase::newUri of Envoy. */
export function redirectLocation(compiled: CompiledRoute, redirect: RedirectAction, subject: HttpSubject): string {
  const seen = subject.headers.get("x-forwarded-proto") ?? subject.headers.get(":scheme") ?? "http";
  const scheme = redirect.schemeRedirect || (redirect.httpsRedirect ? "https" : seen);
  const port = redirect.portRedirect ? `:${redirect.portRedirect}` : "";
  const host = redirect.hostRedirect || requestHost(subject.headers.get(":authority") ?? "", scheme, seen, port);
  return `${scheme}://${host}${port}${redirectPath(compiled, redirect, subject)}`;
}

function redirectPath(compiled: CompiledRoute, redirect: RedirectAction, subject: HttpSubject): string {
  const { path, pathname } = subject;
  const query = path.slice(pathname.length);
  const kept = redirect.stripQuery ? "" : query;
  if (redirect.pathRedirect)
    return redirect.pathRedirect.includes("?") ? redirect.pathRedirect : redirect.pathRedirect + kept;
  const rewritten = rewritePath(compiled, redirect, subject);
  if (rewritten === undefined) return pathname + kept;
  return redirect.stripQuery ? rewritten.slice(0, rewritten.length - query.length) : rewritten;
}

function requestHost(authority: string, scheme: string, seen: string, port: string): string {
  const parts = /^(\[[^\]]*\]|[^:]*)(:\d*)$/.exec(authority);
  if (!parts) return authority;
  const [, host = "", requested = ""] = parts;
  const standard =
    scheme !== seen && ((seen === "https" && requested === ":443") || (seen === "http" && requested === ":80"));
  return port !== "" || standard ? host : authority;
}
