import type { ObjectRef } from "@fairlead/model";
import type { ConfigObject } from "../../object.ts";
import { GATEWAY_API_GROUP, type GatewayApiKind, type GatewayApiObject, isGatewayApiKind } from "../kinds.ts";
import type { RouteContext } from "./backend.ts";
import { convertPolicies } from "./backend-policy.ts";
import { conditionsOf } from "./condition.ts";
import { convertGateways, type RouteParent } from "./gateway.ts";
import { CLASS_ACCEPTED, gatewayClassInfo, isOurController } from "./gateway-class.ts";
import { grantsOf } from "./grants.ts";
import { mergeParts } from "./http-part.ts";
import { ownerKey } from "./listener-conflict.ts";
import { byAge } from "./order.ts";
import { attached, type ParentContext } from "./parent.ts";
import { type ConvertedRoute, convertRoute } from "./route.ts";
import type { ConvertedVirtualService, RouteObject } from "./route-object.ts";
import { type GatewayApiStatus, statusOf } from "./status.ts";
import type { GatewayApiWorld } from "./world.ts";

/** Where something of ours comes from: an object of the Gateway API, and the field of it. */
export interface Origin {
  readonly source: ObjectRef;
  readonly path: string;
}

/** What became of objects of the Gateway API. */
export interface ConvertedGatewayApi {
  /** Gateways, VirtualServices and DestinationRules, each the oldest first. */
  readonly objects: readonly ConfigObject[];
  /** What is to be reported in the statuses of the objects that are ours to report on. What changed has no time yet. */
  readonly statuses: readonly GatewayApiStatus[];
  /** Where an object comes from; of a VirtualService, first itself, then its rules in their order. */
  readonly originsOf: ReadonlyMap<ConfigObject, readonly Origin[]>;
}

const ROUTES = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"] as const;

/**
 * Objects of the Gateway API as Istio's own configuration: a Gateway for each listener, VirtualServices for the routes that
 * attach, DestinationRules for policies of backends. Names, precedence and conditions are Istio's. Pure; gives nothing to
 * Gateways of other controllers' classes.
 */
export function convertGatewayApi(given: Iterable<GatewayApiObject>, world: GatewayApiWorld): ConvertedGatewayApi {
  const all = [...given];
  const of = <Kind extends GatewayApiKind>(kind: Kind): GatewayApiObject<Kind>[] =>
    all.filter((object): object is GatewayApiObject<Kind> => isGatewayApiKind(object, kind)).sort(byAge);
  const classes = of("GatewayClass");
  const controllers = new Map(classes.map(({ metadata, spec }) => [metadata.name, spec.controllerName]));
  const grants = grantsOf(of("ReferenceGrant"));
  const gateways = of("Gateway");
  const backends = of("XBackend");
  const { parents, statuses } = convertGateways(
    { world, grants, classOf: ({ spec }) => gatewayClassInfo(spec.gatewayClassName, controllers) },
    gateways,
    of("ListenerSet"),
  );
  const context: ParentContext & RouteContext = {
    world,
    grants,
    controllers,
    parents: Map.groupBy(parents, ({ owner }) => ownerKey(owner)),
    gateways: new Map(gateways.map((gateway) => [`${gateway.metadata.namespace}/${gateway.metadata.name}`, gateway])),
    backend: (namespace, name) =>
      backends.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  };
  const routes = ROUTES.flatMap((kind) => of(kind) as RouteObject[]);
  const converted = routes.map((route) => convertRoute(context, route));
  const services = [
    ...mergeParts(
      converted.flatMap(({ parts }) => parts),
      byAge,
    ),
    ...converted.flatMap(({ virtualServices }) => virtualServices),
  ].sort((a, b) => byAge(a.object, b.object));
  const policies = convertPolicies(
    { world, gatewaysBefore: gatewaysBefore(routes) },
    of("BackendTLSPolicy"),
    backends,
    of("XBackendTrafficPolicy"),
  );

  const originsOf = new Map<ConfigObject, readonly Origin[]>();
  const served = parents.filter(({ valid }) => valid).sort((a, b) => byAge(a.gateway, b.gateway));
  for (const { gateway, owner, index } of served)
    originsOf.set(gateway, [{ source: refOfObject(owner), path: `spec.listeners[${index}]` }]);
  for (const { object, sources } of services) originsOf.set(object, originsOfService(sources));
  for (const object of policies.objects) {
    const source = policies.sourceOf.get(object);
    if (source) originsOf.set(object, [{ source: refOfObject(source), path: "metadata.name" }]);
  }
  return {
    objects: [...originsOf.keys()],
    statuses: [
      ...classes
        .filter(({ spec }) => isOurController(spec.controllerName))
        .map((object) => ({ object, status: classStatus(object) })),
      ...withAttachedRoutes(statuses, converted),
      ...converted.map(({ status }) => status),
      ...policies.statuses,
    ],
    originsOf,
  };
}

/** A rule's own place is after that of the whole. */
function originsOfService(sources: ConvertedVirtualService["sources"]): readonly Origin[] {
  const [first] = sources;
  return first ? [{ source: first.source, path: "metadata.name" }, ...sources] : [];
}

export function refOfObject({ kind, metadata: { namespace, name } }: GatewayApiObject): ObjectRef {
  return { kind, namespace, name };
}

function classStatus(object: GatewayApiObject<"GatewayClass">): Readonly<Record<string, unknown>> {
  const before = statusOf(object);
  return { ...before, conditions: conditionsOf(CLASS_ACCEPTED, object.metadata.generation, before.conditions) };
}

/** The Gateways that routes to a backend are attached to, whether they hold or not. */
function gatewaysBefore(routes: readonly RouteObject[]): ReadonlyMap<string, ReadonlySet<string>> {
  const before = new Map<string, Set<string>>();
  for (const { metadata, spec } of routes) {
    const gateways = (spec.parentRefs ?? [])
      .filter(({ group = GATEWAY_API_GROUP, kind = "Gateway" }) => group === GATEWAY_API_GROUP && kind === "Gateway")
      .map(({ namespace = metadata.namespace, name }) => `${namespace}/${name}`);
    for (const rule of spec.rules ?? [])
      for (const { kind = "Service", namespace = metadata.namespace, name } of rule.backendRefs ?? []) {
        const key = `${kind}/${namespace}/${name}`;
        const found = before.get(key) ?? new Set();
        before.set(key, found);
        for (const gateway of gateways) found.add(gateway);
      }
  }
  return before;
}

/** The number of routes at each listener is known when routes are. */
function withAttachedRoutes(
  statuses: readonly GatewayApiStatus[],
  routes: readonly ConvertedRoute[],
): readonly GatewayApiStatus[] {
  const counts = new Map<RouteParent["owner"], Map<string, number>>();
  for (const { bindings } of routes) {
    const listeners = new Set(attached(bindings).flatMap(({ parent }) => parent ?? []));
    for (const { owner, listener } of listeners) {
      const of = counts.get(owner) ?? new Map<string, number>();
      counts.set(owner, of);
      of.set(listener.name, (of.get(listener.name) ?? 0) + 1);
    }
  }
  return statuses.map(({ object, status }) => {
    const { listeners } = status as { readonly listeners?: readonly { readonly name: string }[] };
    if (!listeners) return { object, status };
    const counted = counts.get(object as RouteParent["owner"]);
    const filled = listeners.map((one) => ({ ...one, attachedRoutes: counted?.get(one.name) ?? 0 }));
    return { object, status: { ...status, listeners: filled } };
  });
}
