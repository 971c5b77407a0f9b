import type { Reader } from "@fairlead/mesh";
import { isUnixSocket, WILDCARDS } from "../listener/address.ts";
import { addressFamilyOf } from "../listener/node-settings.ts";
import { type Contribution, httpProxyPort, outboundPlanOf } from "../listener/outbound-plan.ts";

/** The route configuration of the port that takes requests as an HTTP proxy. */
const HTTP_PROXY_ROUTE = "http_proxy";

/**
 * The route configuration that a service's HTTP chain asks for: that of the port, which all HTTP services of it share,
 * or of the service alone where it has a listener of its own and what it speaks must be found out. A Unix socket's is
 * named by its path. Source: Istio `buildSidecarOutboundHTTPListenerOpts`.
 */
function outboundRouteName(
  { service, port, adds, binds: [bind = ""] }: Pick<Contribution, "service" | "port" | "adds" | "binds">,
  wildcard: string,
): string {
  if (port.number === 0) return bind;
  return adds === "auto" && bind !== wildcard ? `${service.hostname}:${port.number}` : `${port.number}`;
}

/** The route configurations that the outbound listeners of a sidecar ask for, sorted. */
export function sidecarRouteNames(read: Reader): readonly string[] {
  const { listeners, headless } = outboundPlanOf(read);
  const [wildcard] = WILDCARDS[addressFamilyOf(read)];
  const names = new Set<string>();
  for (const { contributions } of listeners.values())
    for (const contribution of contributions)
      if (contribution.adds !== "tcp") names.add(outboundRouteName(contribution, wildcard));
  // Instances of a headless service have listeners of their own, all with the routes of the service.
  for (const plans of headless.values())
    for (const { service, port } of plans)
      if (port.protocol === "Unspecified") names.add(`${service.hostname}:${port.number}`);
  if (httpProxyPort(read) !== undefined) names.add(HTTP_PROXY_ROUTE);
  return [...names].sort();
}

/** What a sidecar's route name says. */
export function parseRouteName(name: string): { readonly port: number; readonly sniffed: boolean } {
  if (isUnixSocket(name)) return { port: 0, sniffed: false };
  const colon = name.lastIndexOf(":");
  const port = Number(name.slice(colon + 1));
  return { port: Number.isInteger(port) ? port : 0, sniffed: colon >= 0 };
}
