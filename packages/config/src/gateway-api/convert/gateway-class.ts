import type { Aspect } from "./condition.ts";

/** Istio's controllers, by the names that GatewayClasses give them. */
export const CONTROLLER = {
  gateway: "istio.io/gateway-controller",
  remote: "istio.io/unmanaged-gateway",
  waypoint: "istio.io/mesh-controller",
  eastWest: "istio.io/eastwest-controller",
} as const;

export interface GatewayClassInfo {
  readonly name: string;
  readonly controller: string;
  /** Of another cluster's: nothing is made of it. */
  readonly remote: boolean;
  readonly listenerSets: boolean;
  /** Whether what is deployed for a Gateway is named `NAME-CLASS`. */
  readonly nameSuffix: boolean;
  /** What is reported of a Gateway without external addresses; both where undefined. */
  readonly addressType: "Hostname" | undefined;
}

/** Classes that exist without an object. */
const BUILT_IN: Readonly<Record<string, string>> = {
  istio: CONTROLLER.gateway,
  "istio-remote": CONTROLLER.remote,
  "istio-waypoint": CONTROLLER.waypoint,
  "istio-east-west": CONTROLLER.eastWest,
};

const KNOWN: ReadonlySet<string> = new Set(Object.values(CONTROLLER));

/** What is known of a class by name; undefined: it is another controller's, or nobody's. */
export function gatewayClassInfo(name: string, controllers: ReadonlyMap<string, string>): GatewayClassInfo | undefined {
  const given = controllers.get(name);
  const controller = given !== undefined && KNOWN.has(given) ? given : BUILT_IN[name];
  if (controller === undefined) return undefined;
  return {
    name,
    controller,
    remote: controller === CONTROLLER.remote,
    listenerSets: controller === CONTROLLER.gateway,
    nameSuffix: controller === CONTROLLER.gateway || controller === CONTROLLER.remote,
    addressType: controller === CONTROLLER.gateway || controller === CONTROLLER.remote ? "Hostname" : undefined,
  };
}

export function isOurController(controller: string): boolean {
  return KNOWN.has(controller);
}

export const CLASS_ACCEPTED: Readonly<Record<string, Aspect>> = {
  Accepted: { reason: "Accepted", message: "Handled by Istio controller" },
};
