import type { ObjectOf } from "../../kinds.ts";
import {
  checkIp,
  checkPort,
  checkUnique,
  checkUnixPath,
  isHttp,
  isTls,
  portProtocol,
  UNIX_PREFIX,
} from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkScopedHost } from "../../validation/scoped-host.ts";
import { checkServerTls } from "./check-tls.ts";
import type { Gateway, GatewayServer } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateGateway({ spec }: ObjectOf<Gateway>, report: Report): void {
  if (!spec.servers?.length) report.at("servers").error("required", "at least one server is required");
  for (const [index, server] of (spec.servers ?? []).entries()) checkServer(server, report.at("servers", index));
  checkUnique(spec.servers, ({ port }) => port.name, "port name", report.at("servers"));
}

function checkServer(server: GatewayServer, report: Report): void {
  const { hosts, port, bind = "", tls } = server;
  if (hosts.length === 0) report.at("hosts").error("required", "at least one host is required");
  for (const [index, host] of hosts.entries()) checkScopedHost(host, "gateway", report.at("hosts", index));

  const unix = bind.startsWith(UNIX_PREFIX);
  const protocol = portProtocol(port.protocol);
  if (protocol === "Unspecified")
    report.at("port", "protocol").error("unknown-protocol", `${JSON.stringify(port.protocol)} is not a known protocol`);
  if (port.number > 0 || !unix) checkPort(port.number, report.at("port", "number"));
  if (port.targetPort) report.at("port", "targetPort").error("unsupported", "has no effect on gateways");
  if (port.name === "") report.at("port", "name").error("required", "must not be empty");
  if (unix) {
    checkUnixPath(bind.slice(UNIX_PREFIX.length), report.at("bind"));
    if (port.number !== 0) report.at("port", "number").error("conflicting-values", "must be 0 for a Unix socket");
  } else if (bind !== "") checkIp(bind, report.at("bind"));

  checkServerTls(tls, report.at("tls"));
  if (tls === undefined) {
    if (isTls(protocol)) report.at("tls").error("required", `is required for ${protocol}`);
    return;
  }
  if (!isHttp(protocol) && tls.httpsRedirect)
    report.at("tls", "httpsRedirect").warning("ineffective", "works on HTTP servers only");
  if (isTls(protocol) || protocol === "Unspecified") return;
  const passthrough = (tls.mode ?? "PASSTHROUGH") === "PASSTHROUGH" || tls.mode === "AUTO_PASSTHROUGH";
  if (!isHttp(protocol)) report.at("tls").error("conflicting-fields", `is for HTTPS and TLS only, not for ${protocol}`);
  else if (!passthrough || tls.caCertificates || tls.privateKey || tls.serverCertificate)
    report.at("tls").error("conflicting-fields", `only httpsRedirect is allowed for plain ${protocol}`);
}
