import { type HttpMatch, type HttpRoute, refOf } from "@fairlead/config";
import { identityOf, type Placed, type Query, type Reader } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { Route } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { httpRoute, routeMetadata } from "./http-route.ts";
import { isCatchAll } from "./match.ts";
import { type Part, partOf } from "./part.ts";
import type { RouteTarget } from "./rule.ts";
import { matchApplies } from "./source-match.ts";

/** Keyed by the VirtualService as a value: an edited one is another, and the routes of all others stay. */
const routes: Query<RouteTarget, Part<readonly Route[]>> = {
  name: "virtual-service-routes",
  key: ({ virtualService, port, gateway, tls, http3 = false }) =>
    `${identityOf(virtualService)}|${port}|${gateway}|${tls}|${http3}`,
  compute: (read, target) => partOf(read, (build) => routesOf(build, target)),
};

/**
 * The routes of a VirtualService for requests that come in on a port of a gateway (or the mesh), in order, up to the
 * first that takes everything. Empty: the VirtualService has nothing to say there.
 */
export function virtualServiceRoutes(read: Reader, target: RouteTarget): Part<readonly Route[]> {
  return read.ask(routes, target);
}

function routesOf(build: Build, target: RouteTarget): readonly Route[] {
  const { virtualService, port, gateway } = target;
  build.uses(refOf(virtualService.object));
  // Sidecars know a destination's service only by the port at hand; gateways see all of it, from the route's namespace.
  const last = { host: "", service: undefined };
  const lookup =
    gateway === "mesh" ? { port, inferPort: port === 0, last } : { port, namespace: virtualService.namespace, last };
  const metadata = shared(routeMetadata(virtualService));
  const made: Route[] = [];
  for (const placed of virtualService.http) {
    const matches = placed.rule.match && placed.rule.match.length > 0 ? placed.rule.match : [undefined];
    for (const match of matches) {
      if (match) reportUnheard(build, placed, match);
      if (match && !matchApplies(build.read, match, port, gateway)) continue;
      const route = httpRoute({ build, target, placed, match, lookup, metadata });
      if (route) made.push(route);
      if (!match || (route && isCatchAll(route.match ?? {}))) return made;
    }
  }
  return made;
}

/** Says what {@link matchApplies} does not look at. */
function reportUnheard(build: Build, { rule, source, path }: Placed<HttpRoute>, match: HttpMatch): void {
  if (!match.gateways || match.gateways.length === 0) return;
  for (const field of ["sourceLabels", "sourceNamespace"] as const)
    if (match[field] !== undefined)
      build.report({
        code: "unsupported-field",
        severity: "warning",
        object: source,
        path: `${path}.match[${rule.match?.indexOf(match) ?? 0}].${field}`,
        message: "the source is not looked at where the match names gateways",
      });
}
