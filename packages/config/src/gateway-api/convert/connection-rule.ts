import type { RouteDestination, TcpRoute, TlsRoute } from "../../kinds/virtual-service/schema.ts";
import type { ConnectionRule } from "../kinds/connection-route.ts";
import { convertBackend, type RouteContext, type RouteOwner, weightSum, withShare } from "./backend.ts";
import type { Problem } from "./condition.ts";
import type { ConvertedRule } from "./http-rule.ts";

/** A cluster that does not exist: connections to it are closed. */
const CLOSED: RouteDestination = {
  destination: { host: "internal.cluster.local", subset: "zero-weight", port: { number: 65_535 } },
};

/** Source: Gateway API `TCPRouteRule`. */
export function convertTcpRule(
  context: RouteContext,
  owner: RouteOwner,
  { backendRefs }: ConnectionRule,
): ConvertedRule<TcpRoute> {
  if (weightSum(backendRefs) === 0) return { rule: { route: [CLOSED] } };
  const { route, problem } = destinations(context, owner, backendRefs);
  return route ? { rule: { route }, problem } : { problem };
}

/** Source: Gateway API `TLSRouteRule`. */
export function convertTlsRule(
  context: RouteContext,
  owner: RouteOwner,
  { backendRefs }: ConnectionRule,
  hostnames: readonly string[],
): ConvertedRule<TlsRoute> {
  if (weightSum(backendRefs) === 0) return { rule: { match: [], route: [CLOSED] } };
  const { route, problem } = destinations(context, owner, backendRefs);
  const match = [{ sniHosts: hostnames.length > 0 ? hostnames : ["*"] }];
  return route ? { rule: { match, route }, problem } : { problem };
}

function destinations(
  context: RouteContext,
  owner: RouteOwner,
  backends: ConnectionRule["backendRefs"],
): { readonly route?: readonly RouteDestination[]; readonly problem?: Problem | undefined } {
  let problem: Problem | undefined;
  const route: RouteDestination[] = [];
  for (const { backend, weight } of withShare(backends)) {
    const converted = convertBackend(context, owner, backend);
    const found = converted.problem && { ...converted.problem, path: `backendRefs[${backends.indexOf(backend)}]` };
    if (!converted.destination) return { problem: found };
    problem = found ?? problem;
    route.push({ destination: converted.destination, ...(weight !== undefined && { weight }) });
  }
  return { route, problem };
}
