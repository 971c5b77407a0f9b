import { type ResolvedVirtualService, virtualServicesOf } from "@fairlead/mesh";
import { compareHostSpecificity, isSubsetHost } from "@fairlead/model";
import type { Route, RouteConfiguration } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { hostWithPort } from "./domain.ts";
import { nameOfHost, type PlacedServer } from "./gateway-server.ts";
import { gatewayServersOf } from "./gateway-servers.ts";
import { contentKey, type GatewayHost, gatewayVirtualHost } from "./gateway-virtual-host.ts";
import { include, type Part } from "./part.ts";
import { outboundSettings } from "./sidecar-route-configuration.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

/**
 * A gateway's route configuration: of all servers with this route name, the hosts that VirtualServices of their Gateway
 * have routes for. Source: Istio `buildGatewayHTTPRouteConfig`.
 */
export function gatewayRouteConfiguration(build: Build, name: string): RouteConfiguration {
  const servers = gatewayServersOf(build.read).byRouteName.get(name);
  if (!servers) return { name, validateClusters: false };
  for (const { source } of servers) build.uses(source);
  const hosts = collapsed(collectHosts(build, servers));
  const virtualHosts = hosts.map((host) => include(build, gatewayVirtualHost(build.read, host)));
  virtualHosts.sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
  // Without any host every request is answered 404.
  if (virtualHosts.length === 0)
    virtualHosts.push({ name: hostWithPort("blackhole", servers[0]?.server.port.number ?? 0), domains: ["*"] });
  return { ...outboundSettings(name), virtualHosts };
}

interface Collected {
  readonly port: number;
  readonly routes: Part<readonly Route[]>[];
  requireTls: boolean;
}

function collectHosts(build: Build, servers: readonly PlacedServer[]): ReadonlyMap<string, Collected> {
  const found = new Map<string, Collected>();
  const entryOf = (host: string, port: number): Collected => {
    const name = host.toLowerCase();
    let entry = found.get(name);
    if (!entry) {
      entry = { port, routes: [], requireTls: false };
      found.set(name, entry);
    }
    return entry;
  };
  /** The first server of a Gateway that a VirtualService has routes for decides what these are. */
  const made = new Map<string, Part<readonly Route[]>>();
  for (const { server, gatewayName, hosts, http3 } of servers) {
    const port = server.port.number;
    const redirect = server.tls?.httpsRedirect ?? false;
    const tls = server.tls !== undefined;
    for (const virtualService of virtualServicesOf(build.read, gatewayName)) {
      const shared = sharedHosts(hosts, virtualService);
      if (shared.length === 0) continue;
      const target = { virtualService, port, gateway: gatewayName, tls, http3: http3 === "served" };
      const key = `${gatewayName} ${virtualService.namespace}/${virtualService.name}`;
      const routes = made.get(key) ?? virtualServiceRoutes(build.read, target);
      if (routes.value.length === 0) {
        include(build, routes);
        continue;
      }
      made.set(key, routes);
      for (const host of shared) {
        const entry = entryOf(host, port);
        entry.routes.push(routes);
        if (redirect) entry.requireTls = true;
      }
    }
    // A redirect needs no VirtualService.
    if (redirect) for (const host of hosts) entryOf(nameOfHost(host), port).requireTls = true;
  }
  return found;
}

/** The hosts that the server has for the VirtualService's namespace and the VirtualService has too, the narrower of each two. */
export function sharedHosts(
  serverHosts: readonly string[],
  { hosts, namespace }: Pick<ResolvedVirtualService, "hosts" | "namespace">,
): readonly string[] {
  const shared: string[] = [];
  for (const stated of serverHosts) {
    const slash = stated.indexOf("/");
    if (slash >= 0 && stated.slice(0, slash) !== namespace) continue;
    const own = stated.slice(slash + 1);
    for (const host of hosts) {
      const narrower = isSubsetHost(own, host) ? own : isSubsetHost(host, own) ? host : undefined;
      if (narrower !== undefined && !shared.includes(narrower)) shared.push(narrower);
    }
  }
  return shared;
}

/** Hosts with the same routes become one virtual host, so that these travel once. */
function collapsed(found: ReadonlyMap<string, Collected>): readonly GatewayHost[] {
  const byContent = new Map<string, string[]>();
  for (const [host, entry] of found) {
    const key = contentKey(entry);
    const hosts = byContent.get(key);
    if (hosts) hosts.push(host);
    else byContent.set(key, [host]);
  }
  return [...byContent.values()].map((hosts) => {
    if (hosts.length > 1) hosts.sort(compareHostSpecificity);
    return { ...(found.get(hosts[0] ?? "") as Collected), hosts };
  });
}
