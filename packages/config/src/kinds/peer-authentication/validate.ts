import type { ObjectOf } from "../../kinds.ts";
import { checkSelector } from "../../validation/attachment.ts";
import { checkPort } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { PeerAuthentication } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validatePeerAuthentication({ spec }: ObjectOf<PeerAuthentication>, report: Report): void {
  const { selector, portLevelMtls } = spec;
  checkSelector(selector, report.at("selector"));
  if (portLevelMtls && Object.keys(selector?.matchLabels ?? {}).length === 0)
    report.at("portLevelMtls").error("conflicting-fields", "needs a selector: ports are those of chosen workloads");
  for (const port of Object.keys(portLevelMtls ?? {})) {
    const at = report.at("portLevelMtls", port);
    if (/^\d+$/.test(port)) checkPort(Number(port), at);
    else at.error("invalid-port", `${JSON.stringify(port)} is not a port number`);
  }
}
