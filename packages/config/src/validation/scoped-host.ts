import { isDnsLabel, partialWildcardFault, wildcardHostFault } from "../common/names.ts";
import { isIpAddress } from "../common/network.ts";
import { check } from "./checks.ts";
import type { Report } from "./report.ts";

/**
 * `namespace/host` as Gateways and Sidecars write it: the namespace may be `*` or `.`, for a Sidecar also `~namespace`
 * (excluded); a Gateway may leave it out, and takes IP addresses as hosts.
 */
export function checkScopedHost(text: string, owner: "gateway" | "sidecar", report: Report): void {
  const slash = text.indexOf("/");
  if (slash < 0) {
    if (owner === "gateway") checkHost(text, owner, report);
    else report.error("invalid-host", "must have the form namespace/host");
    return;
  }
  const [namespace, host] = [text.slice(0, slash), text.slice(slash + 1)];
  if (namespace === "" || host === "") report.error("invalid-host", "namespace and host must not be empty");
  const name = owner === "sidecar" ? namespace.replace(/^~/, "") : namespace;
  if (!["*", ".", ...(owner === "sidecar" ? [""] : [])].includes(name) && !isDnsLabel(name))
    report.error("invalid-host", `${JSON.stringify(namespace)} is not a valid namespace`);
  checkHost(host, owner, report);
}

function checkHost(host: string, owner: "gateway" | "sidecar", report: Report): void {
  if (host !== "*" && !host.includes("."))
    report.error("invalid-host", "short names are not allowed, write the full name");
  if (owner === "sidecar" || !isIpAddress(host)) check(report, "invalid-host", wildcardHostFault(host));
  check(report, "invalid-host", partialWildcardFault(host));
}
