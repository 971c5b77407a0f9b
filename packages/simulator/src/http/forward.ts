import type { RouteAction } from "../envoy.ts";
import type { Forward } from "../evaluation.ts";
import type { Scope } from "../filter/per-route.ts";
import { percentage } from "../route/fraction.ts";
import { mutate, mutations } from "../route/header-mutation.ts";
import { forwardRewrites } from "../route/rewrite.ts";
import type { CompiledRoute } from "../route/route-match.ts";
import type { HttpSubject } from "../subject.ts";

/** The branch of a route that forwards. */
export function forwardBranch(
  place: { readonly share: number; readonly virtualHost: string; readonly route?: string },
  compiled: CompiledRoute,
  action: RouteAction,
  scope: Scope,
  request: HttpSubject,
  delays: Forward["delays"],
): Forward {
  const { weighted, host, configuration } = scope;
  const levels = [weighted, compiled.route, host, configuration];
  const wins = configuration?.mostSpecificHeaderMutationsWins ?? false;
  const requestHeaders = mutations(levels, "request", wins);
  const mutated = mutate(request.headers, requestHeaders);
  // Headers change first: a host that is taken from a header is the changed one's.
  const rewrites = forwardRewrites(compiled, action, weighted, { ...request, headers: mutated });
  const headers = rewrites.path === undefined && rewrites.authority === undefined ? mutated : new Map(mutated);
  if (rewrites.path !== undefined) (headers as Map<string, string>).set(":path", rewrites.path);
  if (rewrites.authority !== undefined) (headers as Map<string, string>).set(":authority", rewrites.authority);
  const retry = action.retryPolicy ?? host?.retryPolicy;
  return {
    kind: "forward",
    ...place,
    cluster: clusterName(action, weighted, request),
    headers,
    ...rewrites,
    requestHeaders,
    responseHeaders: mutations(levels, "response", wins),
    timeout: action.timeout ?? "15s",
    ...(retry && { retries: retry.numRetries ?? 1, retryOn: retry.retryOn ?? "", retryPolicy: retry }),
    mirrors: mirrorsOf(action, scope, request),
    delays,
    action,
  };
}

function clusterName(action: RouteAction, weighted: Scope["weighted"], { headers }: HttpSubject): string {
  if (weighted) return weighted.name || (headers.get(weighted.clusterHeader?.toLowerCase() ?? "") ?? "");
  if (action.clusterHeader) return headers.get(action.clusterHeader.toLowerCase()) ?? "";
  return action.cluster ?? "";
}

const NO_MIRRORS: Forward["mirrors"] = [];

function mirrorsOf(action: RouteAction, { host, configuration }: Scope, { headers }: HttpSubject): Forward["mirrors"] {
  const policies = [action, host, configuration].find(
    (level) => level?.requestMirrorPolicies?.length,
  )?.requestMirrorPolicies;
  if (policies === undefined) return NO_MIRRORS;
  return policies.flatMap(({ cluster, clusterHeader, runtimeFraction }) => {
    const name = cluster || headers.get(clusterHeader?.toLowerCase() ?? "");
    const share = runtimeFraction ? percentage(runtimeFraction.defaultValue) : 1;
    return name && share > 0 ? [{ cluster: name, share }] : [];
  });
}
