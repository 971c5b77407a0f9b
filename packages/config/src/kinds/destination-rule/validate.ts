import { fqdnFault, wildcardHostFault } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkSelector } from "../../validation/attachment.ts";
import { check, checkLabels, checkPort, checkUnique } from "../../validation/checks.ts";
import { checkExportTo } from "../../validation/export-to.ts";
import type { Report } from "../../validation/report.ts";
import { checkSubsetName } from "../virtual-service/destinations.ts";
import { checkClientTls } from "./check-client-tls.ts";
import { checkLoadBalancer } from "./check-load-balancer.ts";
import { checkConnectionPool, checkOutlierDetection } from "./check-pools.ts";
import type { DestinationRule, PortTrafficPolicy, TrafficPolicy, TunnelSettings } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateDestinationRule({ spec, metadata }: ObjectOf<DestinationRule>, report: Report): void {
  const { host, trafficPolicy, subsets, exportTo, workloadSelector } = spec;
  const { namespace } = metadata;
  check(report.at("host"), "invalid-host", wildcardHostFault(host));
  checkTrafficPolicy(trafficPolicy, namespace, report.at("trafficPolicy"));
  checkUnique(subsets, ({ name }) => name, "subset", report.at("subsets"));
  for (const [index, subset] of (subsets ?? []).entries()) {
    const at = report.at("subsets", index);
    checkSubsetName(subset.name, at.at("name"));
    checkLabels(subset.labels, at.at("labels"));
    checkTrafficPolicy(subset.trafficPolicy, namespace, at.at("trafficPolicy"));
  }
  checkExportTo(exportTo, namespace, report.at("exportTo"), { selective: workloadSelector !== undefined });
  checkSelector(workloadSelector, report.at("workloadSelector"));
}

function checkTrafficPolicy(policy: TrafficPolicy | undefined, namespace: string, report: Report): void {
  if (policy === undefined) return;
  if (Object.values(policy).every((value) => value === undefined || (Array.isArray(value) && value.length === 0)))
    report.error("required", "a traffic policy needs at least one field");
  if (policy.tunnel && policy.proxyProtocol)
    report.error("conflicting-fields", "tunnel and proxyProtocol exclude each other");
  checkPolicyParts(policy, namespace, report);
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const at = report.at("portLevelSettings", index);
    const { port, outlierDetection, connectionPool, loadBalancer, tls } = settings;
    if (!port) at.at("port").error("required", "is required");
    if (!outlierDetection && !connectionPool && !loadBalancer && !tls)
      at.error("required", "one of outlierDetection, connectionPool, loadBalancer, tls is required");
    checkPolicyParts(settings, namespace, at);
  }
  if (policy.tunnel) checkTunnel(policy.tunnel, report.at("tunnel"));
}

function checkPolicyParts(policy: TrafficPolicy | PortTrafficPolicy, namespace: string, report: Report): void {
  checkOutlierDetection(policy.outlierDetection, report.at("outlierDetection"));
  checkConnectionPool(policy.connectionPool, report.at("connectionPool"));
  checkLoadBalancer(policy.loadBalancer, policy.outlierDetection !== undefined, report.at("loadBalancer"));
  checkClientTls(policy.tls, namespace, report.at("tls"));
}

function checkTunnel({ protocol, targetHost, targetPort }: TunnelSettings, report: Report): void {
  if (protocol && protocol !== "CONNECT" && protocol !== "POST")
    report.at("protocol").error("unknown-value", "must be CONNECT or POST");
  if (fqdnFault(targetHost) !== undefined && !isIpAddress(targetHost))
    report
      .at("targetHost")
      .error("invalid-host", `${JSON.stringify(targetHost)} is neither a host name nor an IP address`);
  checkPort(targetPort, report.at("targetPort"));
}
