import type { RouteConfiguration, VirtualHost } from "../../proto/types.ts";
import { type Generator, generated } from "../generated.ts";
import { clusterName } from "../names.ts";
import { sidecarRouteConfiguration } from "../route/sidecar-route-configuration.ts";
import { proxylessPorts, proxylessService, proxylessUnits } from "./services.ts";

/** The routes of one service and port, named as its cluster: those that a sidecar has for the port, of this host only. */
export const proxylessRoutes: Generator<RouteConfiguration> = {
  units: proxylessUnits,
  generate(read, unit, provenance) {
    const service = proxylessService(read, unit);
    if (!service) return [];
    return proxylessPorts(service).map((port) => {
      const name = clusterName("outbound", port, "", service.hostname);
      return generated(
        read,
        name,
        (build): RouteConfiguration => {
          build.uses(service.source);
          const { virtualHosts = [] } = sidecarRouteConfiguration(build, String(port));
          const own = virtualHosts.filter((one) => isFor(one, service.hostname, port));
          return { name, virtualHosts: own.map((one) => withPort(one, port)) };
        },
        provenance,
      );
    });
  },
};

/** `*` is left out: it is for hosts that the mesh does not know. */
function isFor({ domains = [] }: VirtualHost, hostname: string, port: number): boolean {
  return domains.some((domain) => {
    const [host = "", stated] = domain.split(":");
    if (stated !== undefined && stated !== String(port)) return false;
    return host === hostname || (host.startsWith("*.") && hostname.endsWith(host.slice(1)));
  });
}

/** gRPC looks for the whole target, `HOST:PORT`. */
function withPort(host: VirtualHost, port: number): VirtualHost {
  const domains = (host.domains ?? []).flatMap((domain) =>
    domain.includes(":") ? domain : [domain, `${domain}:${port}`],
  );
  return { ...host, domains };
}
