import type { ParentReference } from "../kinds/references.ts";
import type { GatewayApiObject } from "../kinds.ts";
import { conditionsOf, type Problem } from "./condition.ts";
import { CONTROLLER } from "./gateway-class.ts";
import { compare } from "./order.ts";
import { type RouteBinding, referenceKey } from "./parent.ts";
import { statusOf } from "./status.ts";

interface ParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: unknown;
}

/** Of several listeners' refusals, the one nearest to being none is said. */
const NEARNESS = ["", "NotAllowedByListeners", "NoMatchingListenerHostname", "ParentRefConflict", "NoMatchingParent"];

/**
 * The status of a route: of each parent, whether it is attached there and whether its references lead somewhere. Those of
 * other controllers stay. Source: Gateway API `RouteStatus`.
 */
export function routeStatus(
  route: GatewayApiObject,
  bindings: readonly RouteBinding[],
  problemOf: (binding: RouteBinding) => Problem | undefined,
): Readonly<Record<string, unknown>> {
  const { namespace, generation } = route.metadata;
  const before = parentsIn(statusOf(route).parents);
  const oursBefore = new Map(
    before
      .filter(({ controllerName }) => controllerName === CONTROLLER.gateway)
      .map((parent) => [referenceKey(parent.parentRef, namespace), parent]),
  );
  const byReference = new Map<ParentReference, RouteBinding[]>();
  for (const binding of bindings) {
    const list = byReference.get(binding.reference);
    if (list) list.push(binding);
    else byReference.set(binding.reference, [binding]);
  }
  const now = new Map<string, ParentStatus>();
  for (const [reference, of] of byReference) {
    const [first] = of;
    if (!first) continue;
    const attached = of.filter(({ denied }) => !denied).length;
    const key = referenceKey(reference, namespace);
    now.set(key, {
      parentRef: reference,
      controllerName: CONTROLLER.gateway,
      conditions: conditionsOf(
        {
          Accepted: {
            reason: "Accepted",
            message: attached > 1 ? `Route was valid, bound to ${attached} parents` : "Route was valid",
            problem: refusal(of),
          },
          ResolvedRefs: {
            reason: "ResolvedRefs",
            message: "All references resolved",
            problem: problemOf(first),
          },
        },
        generation,
        oursBefore.get(key)?.conditions,
      ),
    });
  }
  const kept = before.flatMap((parent): readonly ParentStatus[] => {
    if (parent.controllerName !== CONTROLLER.gateway) return [parent];
    const key = referenceKey(parent.parentRef, namespace);
    const status = now.get(key);
    now.delete(key);
    return status ? [status] : [];
  });
  const added = [...now].sort(([a], [b]) => compare(b, a)).map(([, status]) => status);
  return { ...statusOf(route), parents: [...kept, ...added] };
}

function refusal(bindings: readonly RouteBinding[]): Problem | undefined {
  const rank = ({ denied }: RouteBinding) => NEARNESS.indexOf(denied?.reason ?? "");
  const best = Math.min(...bindings.map(rank));
  const said = bindings.filter((binding) => rank(binding) === best).flatMap(({ denied }) => denied ?? []);
  const [first] = said;
  return first && { reason: first.reason, message: said.map(({ message }) => message).join("; ") };
}

function parentsIn(value: unknown): readonly ParentStatus[] {
  return Array.isArray(value)
    ? value.filter(
        (one): one is ParentStatus =>
          typeof one === "object" && one !== null && typeof (one as ParentStatus).parentRef?.name === "string",
      )
    : [];
}
