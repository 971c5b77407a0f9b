import type { GatewayServer } from "../../kinds/gateway/schema.ts";
import type { Listener, RouteGroupKind } from "../kinds/listener.ts";
import { GATEWAY_API_GROUP, type GatewayApiObject } from "../kinds.ts";
import { type Aspect, type Condition, conditionsOf, type Problem } from "./condition.ts";
import { CONTROLLER } from "./gateway-class.ts";
import type { ConflictReason } from "./listener-conflict.ts";
import { frontendValidationOf, isAutoPassthrough, listenerTls, type TlsContext } from "./listener-tls.ts";
import { allowedNamespaces } from "./namespace-selection.ts";

/** What is said of a listener in the status of its owner. */
export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly RouteGroupKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface ConvertedListener {
  /** None where it is only a place for ListenerSets to add to, and where it conflicts. */
  readonly server: GatewayServer | undefined;
  readonly status: ListenerStatus;
  readonly valid: boolean;
}

export interface ListenerContext extends Omit<TlsContext, "owner"> {
  readonly owner: GatewayApiObject<"Gateway"> | GatewayApiObject<"ListenerSet">;
  /** Whose class and TLS count: the owner, or the parent of a ListenerSet. */
  readonly gateway: GatewayApiObject<"Gateway">;
  readonly controller: string;
  /** Conditions that were reported before. */
  readonly before: unknown;
}

const FINE = "No errors found";

/** A listener as a server of Istio's Gateway, and its conditions. Source: Gateway API `Listener`, `ListenerStatus`. */
export function convertListener(context: ListenerContext, listener: Listener): ConvertedListener {
  const { owner, gateway, controller, world, grants } = context;
  const { namespace } = owner.metadata;
  const { tls, problem: tlsProblem } = listenerTls(
    { world, grants, owner: { kind: owner.kind, namespace } },
    listener.tls,
    frontendValidationOf(gateway.spec, listener.port),
    isAutoPassthrough(owner.metadata.labels, listener),
  );
  const untold = !tls && !tlsProblem && (listener.protocol === "HTTPS" || listener.protocol === "TLS");
  const refusal = protocolProblem(controller, listener.protocol);
  const lacksTls: Problem | undefined =
    untold && owner.kind === "ListenerSet"
      ? { reason: "UnsupportedProtocol", message: `protocol is ${listener.protocol} but no TLS section is defined` }
      : undefined;
  const noRoots =
    tlsProblem && !["InvalidCertificateRef"].includes(tlsProblem.reason)
      ? { reason: "NoValidCACertificate", message: tlsProblem.message }
      : undefined;
  const badTls = tlsProblem || lacksTls ? { reason: "Invalid", message: "Bad TLS configuration" } : undefined;
  const aspects: Record<string, Aspect> = {
    Accepted: {
      reason: "Accepted",
      message: FINE,
      problem: lacksTls ?? unexpected(controller, listener) ?? refusal ?? noRoots,
    },
    Programmed: { reason: "Programmed", message: FINE, problem: badTls },
    Conflicted: { reason: "NoConflicts", message: FINE, status: "False" },
    ResolvedRefs: { reason: "ResolvedRefs", message: FINE, problem: tlsProblem },
  };
  const hostname = listener.hostname ?? "*";
  const from = allowedNamespaces(listener.allowedRoutes?.namespaces, namespace, world.namespaces);
  const server: GatewayServer = {
    port: { name: "default", number: listener.port, protocol: refusal ? "" : listener.protocol },
    // `~` is nobody's namespace: the listener is there, and no route is on it.
    hosts: from.length > 0 ? from.map((one) => `${one}/${hostname}`) : [`~/${hostname}`],
    ...(tls && { tls }),
  };
  return {
    server: untold ? undefined : server,
    status: listenerStatus(context, listener, aspects),
    valid: !tlsProblem && !refusal && !lacksTls,
  };
}

/** A listener that another one of the same Gateway goes before. */
export function conflictedListener(
  context: Pick<ListenerContext, "owner" | "before">,
  listener: Listener,
  reason: ConflictReason,
): ListenerStatus {
  const message = "Listener has a conflict with another listener attached to the same Gateway";
  const problem = { reason, message };
  return listenerStatus(context, listener, {
    Accepted: { reason, message, problem },
    Programmed: { reason, message, problem },
    Conflicted: { reason, message, status: "True" },
  });
}

function listenerStatus(
  { owner, before }: Pick<ListenerContext, "owner" | "before">,
  listener: Listener,
  aspects: Readonly<Record<string, Aspect>>,
): ListenerStatus {
  const { kinds, valid } = supportedKinds(listener);
  const all: Readonly<Record<string, Aspect>> = valid
    ? aspects
    : {
        ...aspects,
        ResolvedRefs: { reason: "InvalidRouteKinds", message: "Invalid route kinds", status: "False" },
      };
  return {
    name: listener.name,
    supportedKinds: kinds,
    attachedRoutes: 0,
    conditions: conditionsOf(all, owner.metadata.generation, before),
  };
}

const kindsOf = (...kinds: readonly string[]): readonly RouteGroupKind[] =>
  kinds.map((kind) => ({ group: GATEWAY_API_GROUP, kind }));

function kindsOfProtocol({ protocol, tls }: Listener): readonly RouteGroupKind[] {
  if (protocol === "HTTP" || protocol === "HTTPS") return kindsOf("HTTPRoute", "GRPCRoute");
  if (protocol === "TCP") return kindsOf("TCPRoute");
  if (protocol !== "TLS") return [];
  return tls && (tls.mode ?? "Terminate") === "Terminate" ? kindsOf("TLSRoute", "TCPRoute") : kindsOf("TLSRoute");
}

/** The kinds of routes that may attach; `valid`: all that the listener asks for are among them. */
export function supportedKinds(listener: Listener): {
  readonly kinds: readonly RouteGroupKind[];
  readonly valid: boolean;
} {
  const supported = kindsOfProtocol(listener);
  const asked = listener.allowedRoutes?.kinds ?? [];
  if (asked.length === 0) return { kinds: supported, valid: true };
  const kinds = supported.filter((one) =>
    asked.some(({ group = GATEWAY_API_GROUP, kind }) => group === one.group && kind === one.kind),
  );
  return { kinds, valid: kinds.length === asked.length };
}

const PROTOCOLS: ReadonlySet<string> = new Set(["HTTP", "HTTPS", "TLS", "TCP", "HBONE"]);

function protocolProblem(controller: string, protocol: string): Problem | undefined {
  const refuse = (message: string): Problem => ({ reason: "UnsupportedProtocol", message });
  if (protocol === "HBONE")
    return controller === CONTROLLER.waypoint || controller === CONTROLLER.eastWest
      ? undefined
      : refuse(`protocol "${protocol}" is only supported for waypoint proxies`);
  if (PROTOCOLS.has(protocol)) return undefined;
  const upper = protocol.toUpperCase();
  return refuse(
    PROTOCOLS.has(upper)
      ? `protocol "${protocol}" is unsupported. hint: "${upper}" (uppercase) may be supported`
      : `protocol "${protocol}" is unsupported`,
  );
}

/** Waypoints and gateways between networks have listeners of one form only. */
function unexpected(controller: string, { port, protocol, tls }: Listener): Problem | undefined {
  const refuse = (message: string): Problem => ({ reason: "UnsupportedProtocol", message });
  if (controller === CONTROLLER.waypoint && (port !== 15_008 || protocol !== "HBONE"))
    return refuse('Expected a single listener on port 15008 with protocol "HBONE"');
  if (controller !== CONTROLLER.eastWest) return undefined;
  const terminates = tls !== undefined && (tls.mode ?? "Terminate") === "Terminate";
  const expected =
    port === 15_008 ? protocol === "HBONE" && terminates : protocol === "TLS" && tls !== undefined && !terminates;
  return expected
    ? undefined
    : refuse(
        'East-west gateway listeners must be either port 15008 with protocol "HBONE" and TLS.Mode == Terminate, or TLS with TLS.Mode == Passthrough',
      );
}
