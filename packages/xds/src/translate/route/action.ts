import type { HttpRouteDestination } from "@fairlead/config";
import { meshConfigOf } from "@fairlead/mesh";
import type { Route, RouteAction, RouteAction_HashPolicy, RouteMatch } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { deadEnd, destinationCluster } from "./destination.ts";
import { consistentHashOfDestination, hashPolicyOf } from "./hash-policy.ts";
import { type HeaderEdits, headerEdits, headerFields } from "./header-operations.ts";
import { mirrorPolicies } from "./mirror.ts";
import { proxyHeadersOf } from "./proxy-headers.ts";
import { retryPolicy } from "./retry.ts";
import { pathRewrite } from "./rewrite.ts";
import { isGatewayApiRoute, type RuleContext, reportOf } from "./rule.ts";

/** Envoy's own timeout of 15 s is switched off: without a setting there is none. */
export const NO_TIMEOUT = { timeout: "0s", maxGrpcTimeout: "0s" } as const;

/**
 * The part of a route that leads to clusters, with the header edits of rule and destination; undefined (and reported)
 * when there is nowhere to lead to. Source: Istio API, `HTTPRoute`.
 */
export function forwarding(context: RuleContext, match: RouteMatch): Partial<Route> | undefined {
  const { build, target, placed, lookup } = context;
  const { rule } = placed;
  const destinations = (rule.route ?? []).map((destination, index) => ({ destination, path: `route[${index}]` }));
  const used = destinations.length === 1 ? destinations : destinations.filter(({ destination }) => destination.weight);
  if (used.length === 0) {
    reportOf(context, "route-without-destination", "error", "route", "leads nowhere; this route is left out");
    return undefined;
  }
  for (const { destination, path } of used) {
    const end = deadEnd(build.read, destination.destination, lookup);
    if (end) reportOf(context, end.code, "warning", `${path}.destination`, end.message);
  }
  const edits: HeaderEdits[] = rule.headers ? [headerEdits(rule.headers)] : [];
  let authority = rule.rewrite?.authority || edits[0]?.authority || "";
  const single = destinations.length === 1 ? used[0] : undefined;
  if (single?.destination.headers) {
    const own = headerEdits(single.destination.headers);
    edits.push(own);
    authority ||= own.authority;
  }
  const hashes = used.flatMap(({ destination }) => hashOf(context, destination) ?? []);
  const retries = retryPolicy(
    rule.retries ?? meshConfigOf(build.read).defaultHttpRetryPolicy,
    single !== undefined && hashes.length > 0,
  );
  const mirrors = mirrorPolicies(build, rule, placed, (destination) =>
    destinationCluster(build.read, destination, lookup),
  );
  const timeout = durationOf(rule.timeout);
  const gatewayApi = isGatewayApiRoute(target.virtualService);
  const route: RouteAction = single
    ? { cluster: destinationCluster(build.read, single.destination.destination, lookup) }
    : { weightedClusters: { clusters: used.map((one) => weightedCluster(context, one.destination, one.path)) } };
  route.timeout = timeout ?? NO_TIMEOUT.timeout;
  route.maxGrpcTimeout = timeout ?? NO_TIMEOUT.maxGrpcTimeout;
  if (gatewayApi) route.clusterNotFoundResponseCode = "INTERNAL_SERVER_ERROR";
  if (rule.rewrite) {
    Object.assign(route, pathRewrite(rule.rewrite, match, gatewayApi));
    if (proxyHeadersOf(build.read).forwardedHost) route.appendXForwardedHost = true;
  }
  if (authority) route.hostRewriteLiteral = authority;
  if (mirrors.length > 0) route.requestMirrorPolicies = [...mirrors];
  if (hashes.length > 0) route.hashPolicy = hashes;
  if (retries) route.retryPolicy = retries;
  return edits.length > 0 ? { ...headerFields(...edits), route } : { route };
}

function weightedCluster({ build, placed, lookup }: RuleContext, weighted: HttpRouteDestination, path: string) {
  const edits = weighted.headers && headerEdits(weighted.headers);
  const cluster = {
    name: destinationCluster(build.read, weighted.destination, lookup),
    weight: weighted.weight ?? 0,
    ...(edits ? headerFields(edits) : {}),
    ...(edits?.authority ? { hostRewriteLiteral: edits.authority } : {}),
  };
  return build.from(cluster, placed.source, `${placed.path}.${path}`);
}

function hashOf({ build }: RuleContext, { destination }: HttpRouteDestination): RouteAction_HashPolicy | undefined {
  const setting = consistentHashOfDestination(build.read, destination);
  const policy = setting && hashPolicyOf(setting.hash);
  return policy && build.from(policy, setting.source, setting.path);
}
