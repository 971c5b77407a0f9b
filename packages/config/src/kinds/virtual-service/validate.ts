import type { ObjectOf } from "../../kinds.ts";
import { checkLabels, checkPort, checkSubnet } from "../../validation/checks.ts";
import { checkExportTo } from "../../validation/export-to.ts";
import type { Report } from "../../validation/report.ts";
import { checkDestinations } from "./destinations.ts";
import { checkGatewayNames, checkHosts, checkSniHost, isForGateways } from "./hosts.ts";
import { isClaimHeader } from "./match.ts";
import { checkHttpRoute } from "./route.ts";
import type { TcpRoute, TlsRoute, VirtualService } from "./schema.ts";
import { warnUnreachable } from "./unreachable.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateVirtualService({ spec, metadata }: ObjectOf<VirtualService>, report: Report): void {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [], exportTo } = spec;
  const delegate = hosts.length === 0;
  if (delegate) {
    const without = "a delegate (a VirtualService without hosts) must not have ";
    if (gateways.length > 0) report.at("gateways").error("conflicting-fields", `${without}gateways`);
    if (tls.length > 0) report.at("tls").error("conflicting-fields", `${without}TLS routes`);
    if (tcp.length > 0) report.at("tcp").error("conflicting-fields", `${without}TCP routes`);
  }
  checkGatewayNames(gateways, report.at("gateways"));
  if (!isForGateways(spec)) checkNoClaims(spec, report);
  checkHosts(spec, report.at("hosts"));
  if (http.length + tcp.length + tls.length === 0) report.error("required", "one of http, tcp, tls is required");
  for (const [index, route] of http.entries()) checkHttpRoute(route, delegate, report.at("http", index));
  for (const [index, route] of tls.entries()) checkTlsRoute(route, spec, report.at("tls", index));
  for (const [index, route] of tcp.entries()) checkTcpRoute(route, report.at("tcp", index));
  checkExportTo(exportTo, metadata.namespace, report.at("exportTo"));
  warnUnreachable(spec, report);
}

function checkNoClaims(spec: VirtualService, report: Report): void {
  for (const [index, { match }] of (spec.http ?? []).entries())
    for (const [matchIndex, item] of (match ?? []).entries())
      for (const field of ["headers", "withoutHeaders"] as const)
        for (const key of Object.keys(item[field] ?? {}))
          if (isClaimHeader(key))
            report
              .at("http", index, "match", matchIndex, field, key)
              .error("unsupported", "routing by JWT claims works on gateways only; name the gateways");
}

function checkTlsRoute({ match, route }: TlsRoute, spec: VirtualService, report: Report): void {
  if (match.length === 0) report.at("match").error("required", "a TLS route needs at least one match");
  for (const [index, item] of match.entries()) {
    const at = report.at("match", index);
    if (item.sniHosts.length === 0) at.at("sniHosts").error("required", "at least one SNI host is required");
    for (const [hostIndex, host] of item.sniHosts.entries()) checkSniHost(host, spec, at.at("sniHosts", hostIndex));
    checkL4Match(item, at);
  }
  if (!route?.length) report.at("route").error("required", "a TLS route needs a destination");
  checkDestinations(route ?? [], report.at("route"));
}

function checkTcpRoute({ match, route }: TcpRoute, report: Report): void {
  for (const [index, item] of (match ?? []).entries()) checkL4Match(item, report.at("match", index));
  if (!route?.length) report.at("route").error("required", "a TCP route needs a destination");
  checkDestinations(route ?? [], report.at("route"));
}

interface L4Match {
  readonly destinationSubnets?: readonly string[];
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly gateways?: readonly string[];
}

function checkL4Match({ destinationSubnets, port, sourceLabels, gateways }: L4Match, report: Report): void {
  for (const [index, subnet] of (destinationSubnets ?? []).entries())
    checkSubnet(subnet, report.at("destinationSubnets", index));
  if (port) checkPort(port, report.at("port"));
  checkLabels(sourceLabels, report.at("sourceLabels"));
  checkGatewayNames(gateways, report.at("gateways"));
}
