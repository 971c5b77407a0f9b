import { refOf } from "@fairlead/config";
import { type Query, sameMembers, sidecarOf } from "@fairlead/mesh";
import type { RouteConfiguration } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { catchAllVirtualHost, outboundTrafficPolicyOf } from "./catch-all.ts";
import { include } from "./part.ts";
import { parseRouteName } from "./route-names.ts";
import { egressScopeFor, isForAllPorts, outboundVirtualHosts } from "./sidecar-virtual-hosts.ts";
import { type HostPart, withDomains } from "./virtual-host.ts";

/** The most that a direct response may hold, 1 MiB: what is accepted in a VirtualService. Envoy's own limit is 4 KiB. */
const MAX_DIRECT_RESPONSE_BYTES = 1_048_576;

/** The settings that all outbound route configurations share. */
export function outboundSettings(name: string): RouteConfiguration {
  return {
    name,
    validateClusters: false,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    ignorePortInHostMatching: true,
  };
}

const byDomain: Query<number, ReadonlyMap<string, readonly HostPart[]>> = {
  name: "outbound-virtual-hosts-by-domain",
  key: (port) => `${port}`,
  compute(read, port) {
    const index = new Map<string, HostPart[]>();
    for (const part of outboundVirtualHosts(read, port, `${port}`).hosts)
      for (const domain of part.value.domains ?? []) {
        const list = index.get(domain) ?? [];
        index.set(domain, list);
        list.push(part);
      }
    return index;
  },
};

const sniffedHosts: Query<string, readonly HostPart[]> = {
  name: "sniffed-virtual-host",
  key: (routeName) => routeName,
  compute(read, routeName) {
    const index = read.ask(byDomain, parseRouteName(routeName).port);
    const host = routeName.slice(0, routeName.lastIndexOf(":"));
    const found = [...new Set([...(index.get(routeName) ?? []), ...(index.get(host) ?? [])])];
    const [only] = found;
    // The listener is for this service alone: whatever the host says, it is meant.
    return found.length === 1 && only ? [withDomains(read, only, ["*"])] : found;
  },
  equal: sameMembers,
};

/** A sidecar's outbound route configuration. Source: Istio `buildSidecarOutboundHTTPRouteConfig`. */
export function sidecarRouteConfiguration(build: Build, name: string): RouteConfiguration {
  const { read } = build;
  const { port, sniffed } = parseRouteName(name);
  const sidecar = sidecarOf(read);
  const listener = egressScopeFor(read, port, name)?.listener;
  if (sidecar && listener) build.uses(refOf(sidecar));
  const { hosts, failed } = sniffed
    ? { hosts: read.ask(sniffedHosts, name), failed: [] }
    : outboundVirtualHosts(read, port, name);
  for (const part of failed) include(build, part);
  const virtualHosts = hosts.map((part) => include(build, part));
  if (!sniffed) {
    const policy = outboundTrafficPolicyOf(read);
    const rest = catchAllVirtualHost(read);
    virtualHosts.push(policy.source ? build.from(rest, policy.source.object, policy.source.path) : rest);
  }
  // Where services on every port are meant, it is the port of the host that tells them apart.
  const ignorePortInHostMatching = !isForAllPorts(port, listener);
  return { ...outboundSettings(name), ignorePortInHostMatching, virtualHosts };
}
