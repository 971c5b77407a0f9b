import type { GatewayApiObject } from "../kinds.ts";
import { conditionsOf, type Problem } from "./condition.ts";
import type { GatewayClassInfo } from "./gateway-class.ts";
import type { GatewayStatusContext } from "./gateway-status.ts";
import { gatewayInstances, programmed } from "./instances.ts";
import type { ListenerStatus } from "./listener.ts";
import { statusOf } from "./status.ts";

/** Source: Gateway API `ListenerSetStatus`. */
export function listenerSetStatus(
  { world, gateway, services, addressProblem }: GatewayStatusContext,
  set: GatewayApiObject<"ListenerSet">,
  listeners: readonly ListenerStatus[],
  valid: number,
  ports: readonly number[],
): Readonly<Record<string, unknown>> {
  const instances = gatewayInstances(world, gateway.metadata.namespace, services, ports);
  const none: Problem | undefined =
    valid > 0 ? undefined : { reason: "ListenersNotValid", message: "None of the ListenerSet's listeners are valid" };
  const parent = addressProblem && {
    reason: addressProblem.reason,
    message: `Parent not accepted: ${addressProblem.message}`,
  };
  const ready = programmed(services, instances);
  return {
    ...statusOf(set),
    conditions: conditionsOf(
      {
        Accepted: { reason: "Accepted", message: "Resource accepted", problem: parent ?? none },
        Programmed: none ? { ...ready, problem: none } : ready,
      },
      set.metadata.generation,
      statusOf(set).conditions,
    ),
    listeners,
  };
}

/** Of a ListenerSet that its Gateway does not take. */
export function refusedSet(set: GatewayApiObject<"ListenerSet">, message: string): Readonly<Record<string, unknown>> {
  const problem = { reason: "NotAllowed", message };
  const { listeners: _, ...before } = statusOf(set);
  return {
    ...before,
    conditions: conditionsOf(
      {
        Accepted: { reason: "Accepted", message, problem },
        Programmed: { reason: "Programmed", message, problem },
      },
      set.metadata.generation,
      before.conditions,
    ),
  };
}

export function unsupportedByClass({ name }: GatewayClassInfo): string {
  return `The "${name}" GatewayClass does not support ListenerSet`;
}
