import { type Json, labels, record, records } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, SERVICES_BY_SELECTOR, selectedPods, selectingServices } from "../selection.ts";
import { formatSelector } from "../selector.ts";
import { derived } from "../world.ts";

/** The ports that Services open in front of a Pod; those without a selector are taken for all of their namespace. */
const portsBefore = derived(
  "ports before a pod",
  ({ id }: Resource) => id,
  (world, { ref, labels: own }): ReadonlySet<number> =>
    new Set(
      [...world.under(SERVICES_BY_SELECTOR, ref.namespace), ...selectingServices(world, ref.namespace, own)].flatMap(
        ({ spec }) => records(spec.ports).flatMap(portsOf),
      ),
    ),
);

/** A Gateway must select Pods, and its ports be those of a Service in front of them. */
export const gatewayPort: Rule = {
  name: "gateway/port",
  codes: ["IST0101", "IST0162"],
  kinds: ["Gateway"],
  indexes: [PODS_BY_LABEL, SERVICES_BY_SELECTOR],
  check({ spec }, report, world) {
    const selector = labels(spec.selector);
    const pods = [...selectedPods(world, EVERYWHERE, selector)];
    if (pods.length === 0) {
      report("IST0101", `the selector ${formatSelector(selector)} selects no Pod`, "spec.selector");
      return;
    }
    const opened = pods.map((pod) => world.ask(portsBefore, pod));
    for (const [index, server] of records(spec.servers).entries()) {
      const port = record(server.port).number;
      if (server.port !== undefined && !opened.some((ports) => ports.has(Number(port))))
        report(
          "IST0162",
          `no Service of the Pods selected by ${formatSelector(selector)} has the port ${String(port)}`,
          `spec.servers[${index}].port`,
        );
    }
  },
};

function portsOf({ port, targetPort, protocol }: Json): readonly number[] {
  // The API server fills in TCP; files that leave it out were never applied.
  if (protocol !== "TCP") return [];
  const target = typeof targetPort === "number" ? targetPort : Number.parseInt(String(targetPort), 10);
  return target > 0 ? [target, Number(port)] : [Number(port)];
}
