import { isSubsetHost } from "@fairlead/model";
import { fqdnFault, isDnsLabel, wildcardHostFault } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import { check } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { VirtualService } from "./schema.ts";

/** Whether the rules are for gateways only; without gateways, or with `mesh` among them, they are for the mesh too. */
export function isForGateways(spec: VirtualService): boolean {
  return (spec.gateways?.length ?? 0) > 0 && !spec.gateways?.includes("mesh");
}

export function checkHosts(spec: VirtualService, report: Report): void {
  const gateways = isForGateways(spec);
  const hasSni = spec.tls?.some(({ match }) => match.some(({ sniHosts }) => sniHosts.length > 0)) ?? false;
  let allValid = true;
  const hosts = spec.hosts ?? [];
  for (const [index, host] of hosts.entries()) {
    const at = report.at(index);
    const fault = gateways ? gatewayHostFault(host, hasSni) : wildcardHostFault(host);
    if (fault !== undefined && !isIpAddress(host)) {
      at.error("invalid-host", fault);
      allValid = false;
    } else if (!gateways && host === "*") {
      at.error("invalid-host", "the host * is not allowed for rules of the mesh, only for gateways");
      allValid = false;
    }
  }
  if (allValid) reportOverlaps(hosts, report);
}

/** A host within another, `a.b.com` and `*.com`: found by sorting from the end, where one is the beginning of the other. */
function reportOverlaps(hosts: readonly string[], report: Report): void {
  const wildcard = (host: string) => host.startsWith("*");
  const sorted = hosts
    .map((host, index) => ({ host, index, key: [...(wildcard(host) ? host.slice(1) : host)].reverse().join("") }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : Number(wildcard(b.host)) - Number(wildcard(a.host))));
  const around: (typeof sorted)[number][] = [];
  for (const entry of sorted) {
    while (around.length > 0 && !entry.key.startsWith(around.at(-1)?.key ?? "")) around.pop();
    const other = around.findLast(({ host, key }) => wildcard(host) || (key === entry.key && host === entry.host));
    if (other) {
      const [later, earlier] = other.index > entry.index ? [other, entry] : [entry, other];
      report.at(later.index).error("duplicate", `${later.host} overlaps with ${earlier.host}`);
    }
    around.push(entry);
  }
}

/** As {@link wildcardHostFault}; for SNI also the names that AUTO_PASSTHROUGH gateways use: `outbound_.80_._.host`. */
export function gatewayHostFault(host: string, sni: boolean): string | undefined {
  if (!sni || !host.startsWith("outbound_")) return wildcardHostFault(host);
  const parts = host.split("_");
  return parts.length >= 4 && /\d/.test(parts[1] ?? "") && /[a-zA-Z]/.test(parts[3] ?? "")
    ? undefined
    : `${JSON.stringify(host)} does not have the form outbound_.<PORT>_._.<HOSTNAME>`;
}

/** SNI hosts: valid, and each within one of the hosts of the VirtualService. */
export function checkSniHost(sniHost: string, spec: VirtualService, report: Report): void {
  // Here, unlike for hosts, no gateways at all count as gateways.
  const gateways = !spec.gateways?.includes("mesh");
  const fault = gateways ? gatewayHostFault(sniHost, true) : wildcardHostFault(sniHost);
  if (fault !== undefined) {
    if (isIpAddress(sniHost))
      report.warning("sni-ip", "an IP address as SNI is against the standard; most clients send none");
    else report.error("invalid-host", fault);
    return;
  }
  if (!spec.hosts?.some((host) => isSubsetHost(sniHost, host)))
    report.error("invalid-host", `${sniHost} is within none of the hosts ${(spec.hosts ?? []).join(", ")}`);
}

/** Names of gateways: `mesh`, `name`, `namespace/name`. */
export function checkGatewayNames(names: readonly string[] | undefined, report: Report): void {
  for (const [index, name] of (names ?? []).entries()) {
    const at = report.at(index);
    const slash = name.indexOf("/");
    if (slash < 0) {
      if (name.includes(".")) {
        const [gateway, namespace] = name.split(".");
        at.warning("deprecated", `write ${namespace}/${gateway} instead of ${name}`);
      }
      check(at, "invalid-name", fqdnFault(name));
      // Upstream looks no further after the first name without a namespace; nor does the webhook of a cluster.
      return;
    }
    const [namespace, gateway] = [name.slice(0, slash), name.slice(slash + 1)];
    if (!isDnsLabel(namespace)) at.error("invalid-name", `${JSON.stringify(namespace)} is not a valid namespace`);
    if (!isDnsLabel(gateway)) at.error("invalid-name", `${JSON.stringify(gateway)} is not a valid gateway name`);
  }
}
