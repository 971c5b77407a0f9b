import { at, labels, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { SERVICES_BY_SELECTOR, selectingServices } from "../selection.ts";
import { isInMesh } from "../workload.ts";

/** Services in front of one Deployment must agree about a port. */
export const deploymentServices: Rule = {
  name: "workload/services",
  codes: ["IST0116", "IST0137"],
  kinds: ["Deployment"],
  indexes: [SERVICES_BY_SELECTOR],
  check(deployment, report, world) {
    if (deployment.labels["gateway.istio.io/managed"] === "istio.io-mesh-controller" || !isInMesh(world, deployment))
      return;
    const own = labels(at(deployment.spec, "template", "metadata", "labels"));
    const services = selectingServices(world, deployment.ref.namespace, own);
    const protocols = new Map<number, Map<string, string[]>>();
    const targets = new Map<string, Map<number, string[]>>();
    for (const { spec, fullName } of services)
      for (const { port, targetPort, protocol } of records(spec.ports)) {
        const number = Number(port);
        const byProtocol = protocols.get(number) ?? new Map<string, string[]>();
        const name = text(protocol) || "TCP";
        byProtocol.set(name, [...(byProtocol.get(name) ?? []), fullName]);
        protocols.set(number, byProtocol);
        const target =
          targetPort === undefined || targetPort === 0 || targetPort === "" ? String(number) : String(targetPort);
        const byPort = targets.get(target) ?? new Map<number, string[]>();
        targets.set(target, byPort.set(number, [...(byPort.get(number) ?? []), fullName]));
      }
    for (const [port, byProtocol] of protocols)
      if (byProtocol.size > 1) {
        const names = [...new Set([...byProtocol.values()].flat())].sort().join(", ");
        report("IST0116", `is behind ${names} with different protocols on port ${port}`, "metadata.name");
      }
    for (const [target, byPort] of targets)
      if (byPort.size > 1) {
        const names = [...new Set([...byPort.values()].flat())].sort().join(", ");
        report(
          "IST0137",
          `is behind ${names}, which lead the ports ${[...byPort.keys()].sort((a, b) => a - b).join(", ")} to its port ${target}`,
          "metadata.name",
        );
      }
  },
};
