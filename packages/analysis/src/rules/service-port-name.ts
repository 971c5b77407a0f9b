import { kubernetesPortProtocol } from "@fairlead/model";
import { records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { isControlPlane } from "../workload.ts";

const MANAGED = new Set(["istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"]);

/** Port names begin with a protocol, or the protocol is guessed from the first bytes. */
export const servicePortName: Rule = {
  name: "service/port-name",
  codes: ["IST0118", "IST0150"],
  kinds: ["Service"],
  check(resource, report) {
    if (isControlPlane(resource) || MANAGED.has(resource.labels["gateway.istio.io/managed"] ?? "")) return;
    const external = resource.spec.type === "ExternalName";
    for (const [index, port] of records(resource.spec.ports).entries()) {
      const name = text(port.name);
      const appProtocol = typeof port.appProtocol === "string" ? port.appProtocol : undefined;
      const protocol = kubernetesPortProtocol({
        number: Number(port.port),
        name,
        transport: text(port.protocol) || "TCP",
        ...(appProtocol !== undefined && { appProtocol }),
      });
      if (protocol !== "Unspecified" && !(name === "tcp" && external)) continue;
      const path = `spec.ports[${index}]`;
      if (external) report("IST0150", "a port of an ExternalName Service must be named after its protocol", path);
      else
        report(
          "IST0118",
          `the port ${name || String(port.port)} (${String(port.port)}) is not named after a protocol: it is guessed`,
          path,
        );
    }
  },
};
