import type { ObjectRef } from "@fairlead/model";
import type { HttpRoute } from "../../kinds/virtual-service/http-route.ts";
import type { TcpRoute, TlsRoute } from "../../kinds/virtual-service/schema.ts";
import { type GatewayApiObject, isGatewayApiKind } from "../kinds.ts";
import type { RouteContext, RouteOwner } from "./backend.ts";
import type { Problem } from "./condition.ts";
import { convertTcpRule, convertTlsRule } from "./connection-rule.ts";
import { tcpServices, tlsServices } from "./connection-service.ts";
import { type HttpPart, httpParts } from "./http-part.ts";
import { type ConvertedRule, convertGrpcRule, convertHttpRule } from "./http-rule.ts";
import { grpcMatchOf, httpMatchOf } from "./match.ts";
import { attached, bindingsOf, type ParentContext, type RouteBinding } from "./parent.ts";
import type { ConvertedVirtualService, PlacedRule, RouteObject } from "./route-object.ts";
import { routeStatus } from "./route-status.ts";
import type { GatewayApiStatus } from "./status.ts";

export interface ConvertedRoute {
  readonly bindings: readonly RouteBinding[];
  readonly status: GatewayApiStatus;
  readonly parts: readonly HttpPart[];
  readonly virtualServices: readonly ConvertedVirtualService[];
}

/** Rules of a route, as they are on gateways or in the mesh. */
interface Rules<R> {
  readonly rules: readonly PlacedRule<R>[];
  readonly problem?: Problem | undefined;
}

/** One route, for every parent that takes it. */
export function convertRoute(context: ParentContext & RouteContext, route: RouteObject): ConvertedRoute {
  const bindings = bindingsOf(context, route);
  const holding = attached(bindings);
  const asked = (binding: RouteBinding) => (binding.parent ? "gateway" : "mesh");
  const problems: { gateway?: Problem | undefined; mesh?: Problem | undefined } = {};
  /** The rules are looked at only for what the route is attached to, or would be. */
  function rulesFor<R>(convert: (owner: RouteOwner) => Rules<R>): (binding: RouteBinding) => readonly PlacedRule<R>[] {
    const made = new Map<string, Rules<R>>();
    for (const where of new Set(bindings.map(asked))) {
      const { kind, metadata } = route;
      const { namespace, name } = metadata;
      const rules = convert({ kind, namespace, name, needsGrants: where === "gateway" });
      made.set(where, rules);
      problems[where] = rules.problem;
    }
    return (binding) => made.get(asked(binding))?.rules ?? [];
  }
  const made: Pick<ConvertedRoute, "parts" | "virtualServices"> =
    isGatewayApiKind(route, "HTTPRoute") || isGatewayApiKind(route, "GRPCRoute")
      ? {
          parts: httpParts(
            context,
            route,
            holding,
            rulesFor((owner) => httpRules(context, owner, route)),
          ),
          virtualServices: [],
        }
      : {
          parts: [],
          virtualServices: isGatewayApiKind(route, "TLSRoute")
            ? tlsServices(
                context,
                route,
                holding,
                rulesFor((owner) => tlsRules(context, owner, route)),
              )
            : tcpServices(
                context,
                route as GatewayApiObject<"TCPRoute">,
                holding,
                rulesFor((owner) => tcpRules(context, owner, route as GatewayApiObject<"TCPRoute">)),
              ),
        };
  const status = routeStatus(route, bindings, (binding) => problems[asked(binding)]);
  const unresolvedAt = (problems.gateway ?? problems.mesh)?.path;
  return { bindings, status: { object: route, status, unresolvedAt }, ...made };
}

function refOfRoute({ kind, metadata: { namespace, name } }: RouteObject): ObjectRef {
  return { kind, namespace, name };
}

/** One problem without a rule makes the route void; otherwise the last one is told. */
function collect<R>(route: RouteObject, converted: readonly (readonly [string, ConvertedRule<R>])[]): Rules<R> {
  const source = refOfRoute(route);
  const rules: PlacedRule<R>[] = [];
  let problem: Problem | undefined;
  for (const [path, one] of converted) {
    const rulePath = path.replace(/\.matches\[\d+\]$/, "");
    const found = one.problem && {
      ...one.problem,
      path: one.problem.path === undefined ? path : `${rulePath}.${one.problem.path}`,
    };
    if (one.rule === undefined) return { rules: [], problem: found };
    problem = found ?? problem;
    rules.push({ rule: one.rule, source, path });
  }
  return { rules, problem };
}

/** Every match is a rule of its own, so that rules can be sorted by what they match. */
function httpRules(
  context: RouteContext,
  owner: RouteOwner,
  route: GatewayApiObject<"HTTPRoute"> | GatewayApiObject<"GRPCRoute">,
): Rules<HttpRoute> {
  const converted: [string, ConvertedRule<HttpRoute>][] = [];
  if (isGatewayApiKind(route, "HTTPRoute"))
    (route.spec.rules ?? [{}]).forEach((rule, index) => {
      // Without matches everything matches.
      const matches = rule.matches?.length ? rule.matches : [undefined];
      matches.forEach((one, position) => {
        const match = one && httpMatchOf(one);
        const path = one ? `spec.rules[${index}].matches[${position}]` : `spec.rules[${index}]`;
        converted.push([
          path,
          match && "reason" in match
            ? { problem: match as Problem }
            : convertHttpRule(context, owner, rule, index, match),
        ]);
      });
    });
  else
    (route.spec.rules ?? []).forEach((rule, index) => {
      const matches = rule.matches?.length ? rule.matches : [undefined];
      matches.forEach((one, position) => {
        const match = one && grpcMatchOf(one);
        const path = one ? `spec.rules[${index}].matches[${position}]` : `spec.rules[${index}]`;
        converted.push([
          path,
          match && "reason" in match
            ? { problem: match as Problem }
            : convertGrpcRule(context, owner, rule, index, match),
        ]);
      });
    });
  return collect(route, converted);
}

function tcpRules(context: RouteContext, owner: RouteOwner, route: GatewayApiObject<"TCPRoute">): Rules<TcpRoute> {
  return collect(
    route,
    route.spec.rules.map((rule, index) => [`spec.rules[${index}]`, convertTcpRule(context, owner, rule)] as const),
  );
}

function tlsRules(context: RouteContext, owner: RouteOwner, route: GatewayApiObject<"TLSRoute">): Rules<TlsRoute> {
  return collect(
    route,
    route.spec.rules.map(
      (rule, index) =>
        [`spec.rules[${index}]`, convertTlsRule(context, owner, rule, route.spec.hostnames ?? [])] as const,
    ),
  );
}
