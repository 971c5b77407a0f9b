import { type Json, labels, record, records } from "../json.ts";
import type { Rule } from "../rule.ts";
import { formatSelector, selects } from "../selector.ts";

/** A Gateway must select Pods, and its ports be those of a Service in front of them. */
export const gatewayPort: Rule = {
  name: "gateway/port",
  codes: ["IST0101", "IST0162"],
  check(input, report) {
    for (const resource of input.of("Gateway")) {
      const selector = labels(resource.spec.selector);
      const pods = input.of("Pod").filter((pod) => selects(selector, pod.labels));
      if (pods.length === 0) {
        report("IST0101", resource, `the selector ${formatSelector(selector)} selects no Pod`, "spec.selector");
        continue;
      }
      const ports = new Set(
        pods.flatMap((pod) =>
          input
            .of("Service")
            .filter(
              ({ ref, spec }) => ref.namespace === pod.ref.namespace && selects(labels(spec.selector), pod.labels),
            )
            .flatMap(({ spec }) => records(spec.ports).flatMap(portsOf)),
        ),
      );
      for (const [index, server] of records(resource.spec.servers).entries()) {
        const port = record(server.port).number;
        if (server.port !== undefined && !ports.has(Number(port)))
          report(
            "IST0162",
            resource,
            `no Service of the Pods selected by ${formatSelector(selector)} has the port ${String(port)}`,
            `spec.servers[${index}].port`,
          );
      }
    }
  },
};

function portsOf({ port, targetPort, protocol }: Json): readonly number[] {
  // The API server fills in TCP; files that leave it out were never applied.
  if (protocol !== "TCP") return [];
  const target = typeof targetPort === "number" ? targetPort : Number.parseInt(String(targetPort), 10);
  return target > 0 ? [target, Number(port)] : [Number(port)];
}
