// TCPRoute, TLSRoute and UDPRoute. Fields of sigs.k8s.io/gateway-api apis/v1, limits and rules as in the CRDs.
import { isIpAddress } from "../../common/network.ts";
import { type Infer, list, message, required } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { hostname, sectionName } from "./names.ts";
import { backendReference } from "./references.ts";
import { commonRoute, validateBackend, validateParentRefs, validateRules } from "./route.ts";

export const connectionRule = message({
  name: sectionName,
  backendRefs: required(list(backendReference, { min: 1, max: 16 })),
});
/** Where connections go to, by weight. */
export type ConnectionRule = Infer<typeof connectionRule>;

// Alpha versions take up to 16 rules, v1 one.
const rules = required(list(connectionRule, { min: 1, max: 16 }));

export const tcpRouteResource = message({ ...commonRoute, rules });
/** TCPRoute of the Gateway API. */
export type TcpRouteResource = Infer<typeof tcpRouteResource>;

export const udpRoute = message({ ...commonRoute, rules });
export type UdpRoute = Infer<typeof udpRoute>;

export const tlsRouteResource = message({ ...commonRoute, hostnames: list(hostname, { max: 1024 }), rules });
/** TLSRoute of the Gateway API. */
export type TlsRouteResource = Infer<typeof tlsRouteResource>;

interface ConnectionRoute {
  readonly apiVersion: string;
  readonly spec: TlsRouteResource;
}

export function validateConnectionRoute({ apiVersion, spec }: ConnectionRoute, report: Report): void {
  validateParentRefs(spec.parentRefs, report);
  validateRules(spec.rules, report);
  if (apiVersion.endsWith("/v1") && (spec.rules ?? []).length > 1)
    report.at("rules").error("out-of-range", `must have at most 1 items, has ${spec.rules.length}`);
  (spec.rules ?? []).forEach((rule, index) => {
    (rule.backendRefs ?? []).forEach((backend, position) => {
      validateBackend(backend, report.at("rules", index, "backendRefs", position));
    });
  });
}

export function validateTlsRoute(route: ConnectionRoute, report: Report): void {
  validateConnectionRoute(route, report);
  if (!route.apiVersion.endsWith("/v1")) return;
  if ((route.spec.hostnames ?? []).length === 0) report.at("hostnames").error("required", "is required");
  (route.spec.hostnames ?? []).forEach((name, index) => {
    if (isIpAddress(name)) report.at("hostnames", index).error("invalid-format", "cannot be an IP address");
  });
}
