import { fqdnFault, isDnsLabel } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import { check, checkPort, checkSubnet } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { MeshNetworks } from "./schema.ts";

/** Source: Istio `pkg/config/validation/agent`. */
export function validateMeshNetworks({ networks }: MeshNetworks, report: Report): void {
  for (const [name, { endpoints, gateways }] of Object.entries(networks ?? {})) {
    const at = report.at("networks", name);
    for (const [index, { fromCidr, fromRegistry }] of (endpoints ?? []).entries()) {
      if (fromCidr !== undefined) checkSubnet(fromCidr, at.at("endpoints", index, "fromCidr"));
      if (fromRegistry !== undefined && !isDnsLabel(fromRegistry))
        at.at("endpoints", index, "fromRegistry").error(
          "invalid-name",
          `${JSON.stringify(fromRegistry)} is not a valid registry name`,
        );
    }
    for (const [index, { registryServiceName, address, port = 0 }] of (gateways ?? []).entries()) {
      const gatewayAt = at.at("gateways", index);
      if (registryServiceName !== undefined)
        check(gatewayAt.at("registryServiceName"), "invalid-host", fqdnFault(registryServiceName));
      if (address !== undefined && !isIpAddress(address) && fqdnFault(address) !== undefined)
        gatewayAt
          .at("address")
          .error("invalid-address", `${JSON.stringify(address)} is neither a host name nor an IP address`);
      checkPort(port, gatewayAt.at("port"));
    }
  }
}
