import type { HttpMatch } from "../../kinds/virtual-service/http-match.ts";
import type {
  CorsPolicy,
  Headers,
  HttpMirror,
  HttpRedirect,
  HttpRetry,
  HttpRewrite,
  HttpRoute,
  HttpRouteDestination,
} from "../../kinds/virtual-service/http-route.ts";
import type { GrpcRule } from "../kinds/grpc-route.ts";
import type { GrpcFilter, HttpFilter } from "../kinds/http-filter.ts";
import type { HttpRule } from "../kinds/http-route.ts";
import type { BackendReference } from "../kinds/references.ts";
import { convertBackend, type RouteContext, type RouteOwner, weightSum, withShare } from "./backend.ts";
import { joinProblems, type Problem } from "./condition.ts";
import { corsOf, headerOperations, limitOf, mirrorOf, redirectOf, rewriteOf } from "./http-filter.ts";

/** A rule as ours; with a problem and no rule, the whole route is void. */
export interface ConvertedRule<R> {
  readonly rule?: R;
  readonly problem?: Problem | undefined;
}

/** The fields of ours, some of which exclude each other; which are set together is the Gateway API's to say. */
interface Draft {
  readonly name: string;
  readonly match?: readonly HttpMatch[];
  redirect?: HttpRedirect;
  rewrite?: HttpRewrite;
  timeout?: string;
  retries?: HttpRetry;
  corsPolicy?: CorsPolicy;
  headers?: Headers;
  mirrors?: readonly HttpMirror[];
}

/** Source: Gateway API `HTTPRouteRule`. */
export function convertHttpRule(
  context: RouteContext,
  owner: RouteOwner,
  rule: HttpRule,
  index: number,
  match: HttpMatch | undefined,
): ConvertedRule<HttpRoute> {
  const draft: Draft = draftOf(owner, rule, index, match);
  const { problem, missing } = addFilters(context, owner, rule.filters ?? [], draft, "dropped");
  if (problem) return { problem };
  const { retry, timeouts } = rule;
  const backendRequest = limitOf(timeouts?.backendRequest);
  const whole = limitOf(timeouts?.request);
  const timeout = retry ? whole : (backendRequest ?? whole);
  if (timeout) draft.timeout = timeout;
  if (retry) {
    const { attempts = 2, codes = [], backoff } = retry;
    const pause = limitOf(backoff);
    draft.retries = {
      attempts,
      ...(attempts > 0 && { retryOn: [...RETRIED, ...codes].join(",") }),
      ...(backendRequest && { perTryTimeout: backendRequest }),
      ...(pause && { backoff: pause }),
    };
  }
  return withRoute(context, owner, rule.backendRefs, draft, missing);
}

/** Connection failures are always retried where retries are asked for. */
const RETRIED = ["connect-failure", "refused-stream", "unavailable", "cancelled"];

/** Source: Gateway API `GRPCRouteRule`. */
export function convertGrpcRule(
  context: RouteContext,
  owner: RouteOwner,
  rule: GrpcRule,
  index: number,
  match: HttpMatch | undefined,
): ConvertedRule<HttpRoute> {
  const draft: Draft = draftOf(owner, rule, index, match);
  const { problem } = addFilters(context, owner, rule.filters ?? [], draft, "void");
  return problem ? { problem } : withRoute(context, owner, rule.backendRefs, draft, undefined);
}

function draftOf(
  { namespace, name }: RouteOwner,
  rule: { readonly name?: string },
  index: number,
  match: HttpMatch | undefined,
): Draft {
  const empty = match === undefined || Object.keys(match).length === 0;
  return { name: rule.name ?? `${namespace}.${name}.${index}`, ...(!empty && { match: [match] }) };
}

/** `missing`: why a copy of requests goes nowhere, where that leaves the rest of the rule. */
function addFilters(
  context: RouteContext,
  owner: RouteOwner,
  filters: readonly (HttpFilter | GrpcFilter)[],
  draft: Draft,
  badMirror: "dropped" | "void",
): { readonly problem?: Problem; readonly missing?: Problem | undefined } {
  let missing: Problem | undefined;
  for (const filter of filters as readonly HttpFilter[]) {
    const { type, requestMirror, requestRedirect, urlRewrite, cors } = filter;
    if (type === "RequestMirror" && requestMirror) {
      const mirror = mirrorOf(context, owner, requestMirror);
      if (!("reason" in mirror)) draft.mirrors = [...(draft.mirrors ?? []), mirror];
      else if (badMirror === "void") return { problem: mirror };
      else missing = mirror;
    } else if (type === "RequestRedirect" && requestRedirect) draft.redirect = redirectOf(requestRedirect);
    else if (type === "URLRewrite" && urlRewrite) {
      const rewrite = rewriteOf(urlRewrite);
      if (rewrite) draft.rewrite = rewrite;
    } else if (type === "CORS" && cors) draft.corsPolicy = corsOf(cors);
    else {
      const headers = addHeaders(draft.headers, filter);
      if (headers && "reason" in headers) return { problem: headers };
      if (headers) draft.headers = headers;
    }
  }
  return { missing };
}

function addHeaders(headers: Headers | undefined, filter: HttpFilter | GrpcFilter): Headers | Problem | undefined {
  const { type, requestHeaderModifier, responseHeaderModifier } = filter;
  const [field, modifier] =
    type === "RequestHeaderModifier"
      ? (["request", requestHeaderModifier] as const)
      : (["response", responseHeaderModifier] as const);
  if (type !== "RequestHeaderModifier" && type !== "ResponseHeaderModifier")
    return { reason: "InvalidFilter", message: `unsupported filter type "${type}"` };
  if (!modifier) return headers;
  const operations = headerOperations(modifier);
  return "reason" in operations ? (operations as Problem) : { ...headers, [field]: operations };
}

interface FilteredBackend extends BackendReference {
  readonly filters?: readonly (HttpFilter | GrpcFilter)[];
}

function withRoute(
  context: RouteContext,
  owner: RouteOwner,
  backends: readonly FilteredBackend[] | undefined,
  draft: Draft,
  missing: Problem | undefined,
): ConvertedRule<HttpRoute> {
  // Where there is nobody to answer, the answer is an error.
  if (weightSum(backends) === 0 && !draft.redirect)
    return { rule: { ...draft, directResponse: { status: 500 } } as HttpRoute, problem: missing };
  let problem: Problem | undefined;
  const destinations: HttpRouteDestination[] = [];
  for (const { backend, weight } of withShare(backends ?? [])) {
    const converted = convertBackend(context, owner, backend);
    const found = converted.problem && {
      ...converted.problem,
      path: `backendRefs[${(backends ?? []).indexOf(backend)}]`,
    };
    if (found && !converted.unusable) return { problem: found };
    problem = found ?? problem;
    let headers: Headers | undefined;
    for (const filter of backend.filters ?? []) {
      const edited = addHeaders(headers, filter);
      if (edited && "reason" in edited) return { problem: edited };
      headers = edited;
    }
    if (converted.destination)
      destinations.push({
        destination: converted.destination,
        ...(weight !== undefined && { weight }),
        ...(headers && { headers }),
      });
  }
  const rule = { ...draft, ...(destinations.length > 0 && { route: destinations }) } as HttpRoute;
  return { rule, problem: joinProblems(problem, missing) };
}
