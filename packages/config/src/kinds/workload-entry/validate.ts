import { fqdnFault } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkLabels, checkPort, checkPortName, checkUnixPath, UNIX_PREFIX } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { WorkloadEntry } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateWorkloadEntry({ spec }: ObjectOf<WorkloadEntry>, report: Report): void {
  checkPlace(spec, report);
  checkWorkload(spec, report);
}

/** What holds wherever a workload is written down: an address or a network, sockets without ports, names of ports. */
export function checkPlace({ address, network, ports }: WorkloadEntry, report: Report): void {
  if (address === undefined && network === undefined) report.at("address").error("required", "is required");
  checkPorts(ports, report.at("ports"));
  if (address?.startsWith(UNIX_PREFIX)) {
    const path = address.slice(UNIX_PREFIX.length);
    if (!/^[/@]/.test(path)) report.at("address").error("invalid-address", "must be an absolute path or begin with @");
    if (address.endsWith("/")) report.at("address").error("invalid-address", "must not be a folder");
    if (ports) report.at("ports").error("conflicting-fields", "a Unix socket has no ports");
  }
}

/** The CRD's rule of port names and numbers. */
export function checkPorts(ports: WorkloadEntry["ports"], report: Report): void {
  for (const [name, port] of Object.entries(ports ?? {})) {
    checkPortName(name, report.at(name));
    checkPort(port, report.at(name));
  }
}

export interface WorkloadRules {
  /** The ports of the service, when it is known. */
  readonly portNames?: ReadonlySet<string>;
  /** Whether the address may be a host name. Default: true. */
  readonly namesAllowed?: boolean;
}

/** The rest of a workload, by what is known of its service. */
export function checkWorkload(entry: WorkloadEntry, report: Report, rules: WorkloadRules = {}): void {
  const { portNames, namesAllowed = true } = rules;
  const { address = "", network, ports, labels } = entry;
  const at = report.at("address");
  const unix = address.startsWith(UNIX_PREFIX);
  if (address === "" && !network) at.error("required", "is required");
  else if (address === "")
    at.warning("empty-address", `there is no address, only the network ${JSON.stringify(network)}`);
  else if (unix) {
    checkUnixPath(address.slice(UNIX_PREFIX.length), at);
    if (Object.keys(ports ?? {}).length > 0)
      report.at("ports").error("conflicting-fields", "a Unix socket has no ports");
    if (portNames && portNames.size !== 1)
      at.error("conflicting-values", "a Unix socket needs a service with one port");
  } else if (!isIpAddress(address)) {
    if (!namesAllowed) at.error("invalid-address", `${JSON.stringify(address)} is not an IP address`);
    else if (fqdnFault(address) !== undefined)
      at.error("invalid-address", `${JSON.stringify(address)} is neither a host name nor an IP address`);
  }
  for (const name of Object.keys(ports ?? {}))
    if (portNames && !portNames.has(name)) report.at("ports", name).error("unknown-port", "is no port of the service");
  checkLabels(labels, report.at("labels"));
}
