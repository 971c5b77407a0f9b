import { hostsOverlap, isSubsetHost, isWildcardHost } from "@fairlead/model";
import type { ParentReference } from "../kinds/references.ts";
import { GATEWAY_API_GROUP, type GatewayApiObject } from "../kinds.ts";
import type { Problem } from "./condition.ts";
import type { RouteParent } from "./gateway.ts";
import { isOurController } from "./gateway-class.ts";
import { compare } from "./order.ts";
import { type GatewayApiWorld, kubernetesService } from "./world.ts";

export type RouteKind = "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute";

/** A reference of a route to one of the things that it may be attached to. */
export interface RouteBinding {
  readonly reference: ParentReference;
  /** `mesh`, or the Gateway of ours by `namespace/name`. */
  readonly gateway: string;
  /** Undefined for the mesh. */
  readonly parent: RouteParent | undefined;
  /** The listener's host name; empty for all. */
  readonly hostname: string;
  /** Host names that other listeners of the same port and protocol have. */
  readonly elsewhere: ReadonlySet<string>;
  /** Why it does not attach. */
  readonly denied: Problem | undefined;
}

export interface ParentContext {
  readonly world: GatewayApiWorld;
  /** By `Gateway/namespace/name` or `ListenerSet/namespace/name`. */
  readonly parents: ReadonlyMap<string, readonly RouteParent[]>;
  readonly gateways: ReadonlyMap<string, GatewayApiObject<"Gateway">>;
  /** Controllers of classes that there are objects of. */
  readonly controllers: ReadonlyMap<string, string>;
}

interface AttachedRoute {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly parentRefs?: readonly ParentReference[]; readonly hostnames?: readonly string[] };
}

/** Everything that a route is attached to or would be; the reference to a Gateway counts once for each of its listeners. */
export function bindingsOf(context: ParentContext, route: AttachedRoute): readonly RouteBinding[] {
  const { namespace } = route.metadata;
  const bindings = (route.spec.parentRefs ?? []).flatMap((reference): readonly RouteBinding[] => {
    const { group = GATEWAY_API_GROUP, kind = "Gateway", name } = reference;
    const home = reference.namespace ?? namespace;
    if (group === GATEWAY_API_GROUP && (kind === "Gateway" || kind === "ListenerSet")) {
      const parents = context.parents.get(`${kind}/${home}/${name}`) ?? [];
      return parents.map((parent) => ({
        reference,
        gateway: `${parent.gateway.metadata.namespace}/${parent.gateway.metadata.name}`,
        parent,
        hostname: parent.listener.hostname ?? "",
        elsewhere: hostnamesElsewhere(parent, parents),
        denied: listenerRefusal(parent, reference, route),
      }));
    }
    if ((group !== "" || kind !== "Service") && (group !== "networking.istio.io" || kind !== "ServiceEntry")) return [];
    if (isAnothersWaypoint(context, kind, home, name)) return [];
    return [
      {
        reference,
        gateway: "mesh",
        parent: undefined,
        hostname: "",
        elsewhere: new Set<string>(),
        denied: meshRefusal(context.world, kind, home, name),
      },
    ];
  });
  return bindings.sort((a, b) => compare(referenceKey(a.reference, namespace), referenceKey(b.reference, namespace)));
}

/** A reference in full, to be compared by. */
export function referenceKey(reference: ParentReference, namespace: string): string {
  const { group = GATEWAY_API_GROUP, kind = "Gateway", name, sectionName = "", port = 0 } = reference;
  return `${group}/${kind}/${name}/${sectionName}/${port}.${reference.namespace ?? namespace}`;
}

/** The bindings that hold, in a fixed order. */
export function attached(bindings: readonly RouteBinding[]): readonly RouteBinding[] {
  return bindings.filter(({ denied }) => !denied).sort((a, b) => compare(a.gateway, b.gateway));
}

function hostnamesElsewhere(parent: RouteParent, all: readonly RouteParent[]): ReadonlySet<string> {
  const { port, protocol, hostname = "" } = parent.listener;
  const others = all.filter(
    (other) => other !== parent && other.listener.port === port && other.listener.protocol === protocol,
  );
  const names = new Set(others.map(({ listener }) => listener.hostname ?? ""));
  names.delete(hostname);
  return names;
}

/**
 * Whether requests for a host are this listener's: another listener of the same port with a closer name takes them. Source:
 * Gateway API, "Listener isolation".
 */
export function isServedHere({ hostname, elsewhere }: RouteBinding, routeHost: string): boolean {
  if (hostname !== "" && !isWildcardHost(hostname)) return true;
  if (hostname !== "" && !hostsOverlap(routeHost, hostname)) return false;
  for (const other of elsewhere) if (hostname.length <= other.length && isSubsetHost(routeHost, other)) return false;
  return true;
}

function listenerRefusal(
  { listener, kinds, gateway }: RouteParent,
  reference: ParentReference,
  route: AttachedRoute,
): Problem | undefined {
  const { sectionName, port } = reference;
  if (port !== undefined && port !== listener.port)
    return { reason: "NoMatchingParent", message: `port ${port} not found` };
  if (sectionName !== undefined && sectionName !== listener.name)
    return { reason: "NoMatchingParent", message: `sectionName "${sectionName}" not found` };
  const hostnames = route.spec.hostnames?.length ? route.spec.hostnames : ["*"];
  const { namespace } = route.metadata;
  const hosts = (gateway.spec.servers?.[0]?.hosts ?? []).map((host) => host.split("/") as [string, string]);
  const named = hosts.filter(([, name]) => hostnames.some((hostname) => hostsOverlap(name, hostname)));
  const hostname = listener.hostname ?? "";
  if (named.length === 0)
    return { reason: "NoMatchingListenerHostname", message: `no hostnames matched parent hostname "${hostname}"` };
  if (!named.some(([from]) => from === "*" || from === namespace))
    return {
      reason: "NotAllowedByListeners",
      message: `hostnames matched parent hostname "${hostname}", but namespace "${namespace}" is not allowed by the parent`,
    };
  if (kinds.some(({ group = GATEWAY_API_GROUP, kind }) => group === GATEWAY_API_GROUP && kind === route.kind))
    return undefined;
  return { reason: "NotAllowedByListeners", message: `kind ${GATEWAY_API_GROUP}/v1/${route.kind} is not allowed` };
}

function meshRefusal(world: GatewayApiWorld, kind: string, namespace: string, name: string): Problem | undefined {
  const [found, what] =
    kind === "Service"
      ? [kubernetesService(world, namespace, name), "service"]
      : [world.serviceEntry(namespace, name), "service entry"];
  return found ? undefined : { reason: "NoMatchingParent", message: `parent ${what}: "${name}" not found` };
}

const USE_WAYPOINT = "istio.io/use-waypoint";

/** Whether another controller's waypoint stands before the service: then its routes are that one's matter. */
function isAnothersWaypoint(context: ParentContext, kind: string, namespace: string, name: string): boolean {
  const { world, gateways, controllers } = context;
  const target = kind === "Service" ? kubernetesService(world, namespace, name) : world.serviceEntry(namespace, name);
  if (!target) return false;
  const labels = target.labels[USE_WAYPOINT] === undefined ? (world.namespaces.get(namespace) ?? {}) : target.labels;
  const waypoint = labels[USE_WAYPOINT];
  if (!waypoint || waypoint.toLowerCase() === "none") return false;
  const home = labels["istio.io/use-waypoint-namespace"] || namespace;
  const className = gateways.get(`${home}/${waypoint}`)?.spec.gatewayClassName;
  const controller = className === undefined ? undefined : controllers.get(className);
  return controller !== undefined && !isWaypointController(controller);
}

function isWaypointController(controller: string): boolean {
  return isOurController(controller) && /(mesh|gateway)-controller$/.test(controller);
}
