import { fqdnFault } from "../../common/names.ts";
import { splitHostPort } from "../../common/network.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkWorkloadSelector } from "../../validation/attachment.ts";
import {
  check,
  checkIp,
  checkPort,
  checkPortName,
  checkProtocol,
  checkUnixPath,
  isHttp,
  isTls,
  portProtocol,
  UNIX_PREFIX,
} from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkConnectionPool } from "../destination-rule/check-pools.ts";
import { checkServerTls } from "../gateway/check-tls.ts";
import { checkDestination } from "../virtual-service/destinations.ts";
import { checkEgress } from "./check-egress.ts";
import type { IngressListener, Sidecar, SidecarPort } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateSidecar({ spec, metadata }: ObjectOf<Sidecar>, report: Report): void {
  const { workloadSelector, ingress = [], egress = [], outboundTrafficPolicy, inboundConnectionPool } = spec;
  checkWorkloadSelector(workloadSelector, report.at("workloadSelector"));
  if (!ingress.length && !egress.length && !outboundTrafficPolicy && !inboundConnectionPool)
    report.error("required", "one of ingress, egress, outboundTrafficPolicy, inboundConnectionPool is required");
  const ports = new Set<number>();
  for (const [index, listener] of ingress.entries()) {
    const at = report.at("ingress", index);
    const { number = 0 } = listener.port;
    if (ports.has(number)) at.at("port", "number").error("duplicate", `port ${number} is already there`);
    ports.add(number);
    checkIngress(listener, at);
  }
  checkConnectionPool(inboundConnectionPool, report.at("inboundConnectionPool"));
  checkEgress(egress, metadata.namespace, report.at("egress"));
  if (outboundTrafficPolicy?.egressProxy) {
    const at = report.at("outboundTrafficPolicy", "egressProxy");
    const { egressProxy, mode } = outboundTrafficPolicy;
    if (mode !== "ALLOW_ANY") at.error("conflicting-fields", "needs the mode ALLOW_ANY");
    check(at.at("host"), "invalid-host", fqdnFault(egressProxy.host));
    if (!egressProxy.port) at.at("port").error("required", "is required");
    checkDestination(egressProxy, at);
  }
}

/** Name, protocol and the rest that ports of both directions share. */
export function checkSidecarPort(port: SidecarPort, report: Report): void {
  if (port.targetPort) report.at("targetPort").error("unsupported", "has no effect on sidecars");
  if (port.name) checkPortName(port.name, report.at("name"));
  checkProtocol(port.protocol, report.at("protocol"));
}

function checkIngress(listener: IngressListener, report: Report): void {
  const { port, bind, defaultEndpoint, tls, connectionPool } = listener;
  checkSidecarPort(port, report.at("port"));
  checkPort(port.number ?? 0, report.at("port", "number"));
  if (bind) checkIp(bind, report.at("bind"));
  if (defaultEndpoint) checkDefaultEndpoint(defaultEndpoint, report.at("defaultEndpoint"));
  const protocol = portProtocol(port.protocol);
  if (tls) {
    const at = report.at("tls");
    for (const field of UNSUPPORTED_TLS)
      if (Array.isArray(tls[field]) ? tls[field].length > 0 : tls[field])
        at.at(field).error("unsupported", "is not supported in a sidecar");
    if (tls.mode === "ISTIO_MUTUAL" || tls.mode === "AUTO_PASSTHROUGH")
      at.at("mode").error("unsupported", `${tls.mode} is not supported in a sidecar`);
    if (!isTls(protocol)) at.error("conflicting-fields", "is for HTTPS and TLS ports only");
    checkServerTls(tls, at);
  }
  checkConnectionPool(connectionPool, report.at("connectionPool"));
  if (connectionPool?.http && !isHttp(protocol))
    report
      .at("connectionPool", "http")
      .warning("ineffective", `the port does not speak HTTP but ${port.protocol ?? "?"}`);
}

const UNSUPPORTED_TLS = [
  "subjectAltNames",
  "httpsRedirect",
  "credentialName",
  "credentialNames",
  "tlsCertificates",
] as const;

const LOCAL_HOSTS: ReadonlySet<string> = new Set(["", "127.0.0.1", "0.0.0.0", "::1", "::"]);

function checkDefaultEndpoint(endpoint: string, report: Report): void {
  if (endpoint.startsWith(UNIX_PREFIX)) {
    checkUnixPath(endpoint.slice(UNIX_PREFIX.length), report);
    return;
  }
  const split = splitHostPort(endpoint);
  if ("fault" in split) {
    report.error("invalid-address", split.fault);
    return;
  }
  if (!LOCAL_HOSTS.has(split.host))
    report.error(
      "invalid-address",
      "must be 127.0.0.1:port, 0.0.0.0:port, [::1]:port, [::]:port, :port or unix://path",
    );
  if (/^[-+]?\d+$/.test(split.port)) checkPort(Number(split.port), report);
  else report.error("invalid-port", `${JSON.stringify(split.port)} is not a number`);
}
