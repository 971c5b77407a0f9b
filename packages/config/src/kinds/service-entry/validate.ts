import { isWildcardHost } from "@fairlead/model";
import { fqdnFault, partialWildcardFault, wildcardHostFault } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import type { ObjectOf } from "../../kinds.ts";
import type { ObjectMeta } from "../../object.ts";
import { checkWorkloadSelector } from "../../validation/attachment.ts";
import {
  check,
  checkLabels,
  checkPort,
  checkPortName,
  checkProtocol,
  checkSubnet,
  checkUnique,
  isHttp,
  isTls,
  portProtocol,
} from "../../validation/checks.ts";
import { checkExportTo } from "../../validation/export-to.ts";
import type { Report } from "../../validation/report.ts";
import { checkPlace, checkWorkload } from "../workload-entry/validate.ts";
import type { ServiceEntry } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateServiceEntry({ spec, metadata }: ObjectOf<ServiceEntry>, report: Report): void {
  const { hosts, resolution = "NONE", workloadSelector, endpoints, exportTo } = spec;
  checkWorkloadSelector(workloadSelector, report.at("workloadSelector"));
  if (workloadSelector && endpoints)
    report.error("conflicting-fields", "workloadSelector and endpoints exclude each other");
  if (hosts.length === 0) report.at("hosts").error("required", "at least one host is required");
  for (const [index, host] of hosts.entries()) {
    const at = report.at("hosts", index);
    if (host === "*") at.error("invalid-host", "must not be *");
    else check(at, "invalid-host", wildcardHostFault(host));
    const partial = resolution === "DYNAMIC_DNS" ? undefined : partialWildcardFault(host);
    if (partial) at.warning("invalid-host", partial);
  }
  checkAddresses(spec, report.at("addresses"));
  checkPorts(spec, metadata, report.at("ports"));
  for (const [index, endpoint] of (endpoints ?? []).entries()) checkPlace(endpoint, report.at("endpoints", index));
  if (resolution === "NONE") checkPassthrough(spec, report);
  else if (resolution === "STATIC") checkStatic(spec, report);
  else if (resolution === "DYNAMIC_DNS") checkDynamicDns(spec, metadata, report);
  else checkDns(spec, resolution, report);
  const opaque = spec.ports?.findIndex(
    ({ protocol }) => !isHttp(portProtocol(protocol)) && !isTls(portProtocol(protocol)),
  );
  if (resolution !== "NONE" && hosts.length > 1 && opaque !== undefined && opaque >= 0)
    report.at("ports", opaque).error("conflicting-values", "only HTTP and TLS can tell several hosts apart");
  checkExportTo(exportTo, metadata.namespace, report.at("exportTo"), { allowNone: true });
}

function checkAddresses({ addresses, resolution = "NONE" }: ServiceEntry, report: Report): void {
  for (const [index, address] of (addresses ?? []).entries()) {
    checkSubnet(address, report.at(index));
    if (address.includes("/") && resolution !== "NONE" && resolution !== "STATIC")
      report.at(index).error("conflicting-values", "CIDR ranges are for the resolutions NONE and STATIC only");
  }
}

function checkPorts(spec: ServiceEntry, { labels }: ObjectMeta, report: Report): void {
  const { ports, addresses = [], resolution = "NONE" } = spec;
  checkUnique(ports, ({ name }) => name, "port name", report);
  checkUnique(ports, ({ number }) => number, "port", report);
  const optedOut = labels["networking.istio.io/enable-autoallocate-ip"]?.toLowerCase() === "false";
  const allocated = resolution !== "NONE" && !optedOut && !spec.hosts.some(isWildcardHost);
  for (const [index, port] of (ports ?? []).entries()) {
    const at = report.at(index);
    if (port.targetPort) checkPort(port.targetPort, at.at("targetPort"));
    if (addresses.length === 0 && !allocated && (!port.protocol || port.protocol === "TCP"))
      at.warning("ineffective", "a TCP port needs addresses, as none is allocated for this service");
    checkPortName(port.name, at.at("name"));
    checkProtocol(port.protocol, at.at("protocol"));
    checkPort(port.number, at.at("number"));
  }
}

function checkPassthrough({ endpoints, workloadSelector }: ServiceEntry, report: Report): void {
  if (endpoints) report.at("endpoints").error("conflicting-fields", "must not be set for the resolution NONE");
  if (workloadSelector) report.at("workloadSelector").warning("ineffective", "has no effect for the resolution NONE");
}

function checkStatic({ endpoints, ports = [] }: ServiceEntry, report: Report): void {
  const portNames = new Set(ports.map(({ name }) => name));
  for (const [index, endpoint] of (endpoints ?? []).entries())
    checkWorkload(endpoint, report.at("endpoints", index), { portNames, namesAllowed: false });
}

function checkDns(
  { hosts, endpoints = [], addresses = [], ports = [] }: ServiceEntry,
  mode: string,
  report: Report,
): void {
  if (endpoints.length === 0) {
    const bad = hosts.findIndex((host) => fqdnFault(host) !== undefined);
    if (bad >= 0) report.at("hosts", bad).error("invalid-host", `must be a full name for ${mode} without endpoints`);
  }
  if (mode === "DNS_ROUND_ROBIN" && endpoints.length > 1)
    report.at("endpoints").error("out-of-range", "at most one is allowed for DNS_ROUND_ROBIN");
  for (const [index, endpoint] of endpoints.entries()) {
    const at = report.at("endpoints", index);
    const address = endpoint.address ?? "";
    if (!isIpAddress(address) && fqdnFault(address) !== undefined)
      at.at("address").error("invalid-address", `${JSON.stringify(address)} is neither a host name nor an IP address`);
    checkLabels(endpoint.labels, at.at("labels"));
    for (const [name, port] of Object.entries(endpoint.ports ?? {})) {
      const portAt = at.at("ports", name);
      if (!ports.some((other) => other.name === name)) portAt.error("unknown-port", "is no port of the service");
      checkPortName(name, portAt);
      checkPort(port, portAt);
    }
  }
  if (addresses.length > 0 && hosts.length > 1 && ports.some(({ protocol }) => TCP.has(portProtocol(protocol))))
    report.at("hosts").warning("conflicting-values", "several hosts cannot share an address on a TCP port");
}

const TCP: ReadonlySet<string> = new Set(["TCP", "HTTPS", "TLS", "Mongo", "Redis", "MySQL"]);
const DYNAMIC_PROTOCOLS: ReadonlySet<string> = new Set(["HTTP", "TLS", "GRPC", "HTTP2"]);

function checkDynamicDns(spec: ServiceEntry, { labels }: ObjectMeta, report: Report): void {
  for (const [index, host] of spec.hosts.entries())
    if (!isWildcardHost(host)) report.at("hosts", index).error("invalid-host", "must have a wildcard for DYNAMIC_DNS");
  for (const field of ["addresses", "endpoints"] as const)
    if (spec[field]?.length) report.at(field).error("conflicting-fields", "must not be set for DYNAMIC_DNS");
  for (const [index, { protocol }] of (spec.ports ?? []).entries())
    if (!DYNAMIC_PROTOCOLS.has(portProtocol(protocol)))
      report.at("ports", index).error("unsupported", "DYNAMIC_DNS works for HTTP, HTTP2, GRPC and TLS only");
  const waypoint = labels["istio.io/use-waypoint"];
  if (spec.location === "MESH_INTERNAL" && waypoint && waypoint.toLowerCase() !== "none")
    report.at("location").error("conflicting-values", "MESH_INTERNAL with DYNAMIC_DNS does not go with a waypoint");
}
