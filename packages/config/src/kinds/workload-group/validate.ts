import type { ObjectOf } from "../../kinds.ts";
import { checkLabels, checkPort, UNIX_PREFIX } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkPorts } from "../workload-entry/validate.ts";
import type { ReadinessProbe, WorkloadGroup } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateWorkloadGroup({ spec }: ObjectOf<WorkloadGroup>, report: Report): void {
  const { template, metadata, probe } = spec;
  const at = report.at("template");
  // The address is filled in when a workload joins, so the template needs none.
  checkPorts(template.ports, at.at("ports"));
  if (template.address?.startsWith(UNIX_PREFIX)) {
    if (!/^[/@]/.test(template.address.slice(UNIX_PREFIX.length)) || template.address.endsWith("/"))
      at.at("address").error("invalid-address", "must be an absolute path to a file or begin with @");
    if (template.ports) at.at("ports").error("conflicting-fields", "a Unix socket has no ports");
  }
  checkLabels(metadata?.labels, report.at("metadata", "labels"));
  if (probe) checkProbe(probe, report.at("probe"));
}

function checkProbe({ httpGet, tcpSocket, exec, grpc }: ReadinessProbe, report: Report): void {
  if (httpGet) {
    const at = report.at("httpGet");
    checkPort(httpGet.port, at.at("port"));
    if (httpGet.scheme && httpGet.scheme !== "HTTP" && httpGet.scheme !== "HTTPS")
      at.at("scheme").error("unknown-value", "must be HTTP or HTTPS");
    for (const [index, { name }] of (httpGet.httpHeaders ?? []).entries())
      if (!/^[-A-Za-z0-9]+$/.test(name ?? ""))
        at.at("httpHeaders", index, "name").error(
          "invalid-header",
          `${JSON.stringify(name ?? "")} is not a valid header name`,
        );
  } else if (tcpSocket) checkPort(tcpSocket.port, report.at("tcpSocket", "port"));
  else if (exec) {
    if (exec.command.length === 0) report.at("exec", "command").error("required", "must not be empty");
  } else if (grpc) report.at("grpc").error("unsupported", "Istio's webhook does not take gRPC probes");
  else report.error("required", "one of httpGet, tcpSocket, exec is required");
}
