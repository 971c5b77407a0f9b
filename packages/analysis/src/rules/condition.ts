import { at, type Json, records, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";

const ROUTE = ["Accepted", "Programmed", "ResolvedRefs"];

/** Conditions that should not be False, by kind. */
const REPORTED: Readonly<Record<string, readonly string[]>> = {
  Service: ["istio.io/WaypointBound"],
  ServiceEntry: ["istio.io/WaypointBound"],
  WorkloadEntry: ["istio.io/WaypointBound"],
  AuthorizationPolicy: ["ZtunnelAccepted", "WaypointAccepted"],
  "gateway.networking.k8s.io/Gateway": ROUTE,
  "gateway.networking.k8s.io/HTTPRoute": ROUTE,
  "gateway.networking.k8s.io/GRPCRoute": ROUTE,
};

/** What controllers wrote into a status: not accepted, not programmed. */
export const condition: Rule = {
  name: "status/condition",
  codes: ["IST0171"],
  kinds: Object.keys(REPORTED),
  check(resource, report) {
    const { kind } = resource;
    const types = REPORTED[kind] ?? [];
    for (const { type, status, reason, message } of conditionsOf(resource)) {
      const say = () =>
        report("IST0171", `the condition ${text(type)} is not met: ${text(reason)}: ${text(message)}`, "status");
      if (types.includes(text(type)) && status === "False") say();
      if (kind === "AuthorizationPolicy" && type === "WaypointAccepted" && reason === "PartiallyInvalid") say();
    }
  },
};

function conditionsOf({ document }: Resource): readonly Json[] {
  const status = document.value.status;
  const parents = records(at(status, "parents")).flatMap(({ conditions }) => records(conditions));
  return [...records(at(status, "conditions")), ...parents];
}
