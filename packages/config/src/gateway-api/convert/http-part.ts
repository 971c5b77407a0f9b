import type { HttpRoute } from "../../kinds/virtual-service/http-route.ts";
import type { GatewayApiObject } from "../kinds.ts";
import { byPrecedence } from "./http-precedence.ts";
import { isServedHere, type ParentContext, type RouteBinding } from "./parent.ts";
import {
  type ConvertedVirtualService,
  meshHosts,
  onPort,
  type PlacedRule,
  type RouteObject,
  virtualServiceOf,
} from "./route-object.ts";

/** A part of a VirtualService: HTTP rules of one route for one host of one parent. */
export interface HttpPart {
  /** Parts of equal keys are put together. */
  readonly key: string;
  readonly route: RouteObject;
  readonly host: string;
  readonly gateway: string;
  readonly rules: readonly PlacedRule<HttpRoute>[];
}

/** What a route says for each host of each parent. */
export function httpParts(
  context: ParentContext,
  route: GatewayApiObject<"HTTPRoute"> | GatewayApiObject<"GRPCRoute">,
  bindings: readonly RouteBinding[],
  rulesFor: (binding: RouteBinding) => readonly PlacedRule<HttpRoute>[],
): readonly HttpPart[] {
  return bindings.flatMap((binding) => {
    const rules = rulesFor(binding);
    if (rules.length === 0) return [];
    const { port } = binding.reference;
    const mesh = !binding.parent;
    const hosts = mesh
      ? meshHosts(context, binding, route)
      : route.spec.hostnames?.length
        ? route.spec.hostnames
        : ["*"];
    // Routes of the mesh are put together by their namespace: that of the service, or of its clients.
    const scope = mesh ? [route.metadata.namespace, ...(port ? [port] : [])].join("/") : binding.gateway;
    const own = mesh && port ? rules.map((one) => ({ ...one, rule: onPort(one.rule, port) })) : rules;
    return hosts
      .filter((host) => isServedHere(binding, host))
      .map((host) => ({ key: `${scope}/${host}`, route, host, gateway: binding.gateway, rules: own }));
  });
}

/** Parts of equal keys as one VirtualService, with the rules in the order in which the Gateway API has them tried. */
export function mergeParts(parts: readonly HttpPart[], byAge: (a: RouteObject, b: RouteObject) => number) {
  const byKey = new Map<string, HttpPart[]>();
  for (const part of parts) {
    const list = byKey.get(part.key);
    if (list) list.push(part);
    else byKey.set(part.key, [part]);
  }
  return [...byKey].flatMap(([key, given]): readonly ConvertedVirtualService[] => {
    const sorted = [...given].sort((a, b) => byAge(a.route, b.route));
    const [first] = sorted;
    if (!first) return [];
    const rules = sorted.flatMap((part) => part.rules).sort((a, b) => byPrecedence(a.rule, b.rule));
    const spec = { hosts: [first.host], gateways: [first.gateway], http: rules.map(({ rule }) => rule) };
    const routes = sorted.map(({ route }) => route);
    return [{ object: virtualServiceOf(key.replaceAll("/", "~"), routes, spec), sources: rules }];
  });
}
