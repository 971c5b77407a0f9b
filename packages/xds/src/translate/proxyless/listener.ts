import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { Listener } from "../../proto/types.ts";
import { type Generator, generated } from "../generated.ts";
import { listenAddress } from "../listener/address.ts";
import { FAULT, routerFilter } from "../listener/static-filters.ts";
import { typed } from "../listener/typed.ts";
import { clusterName } from "../names.ts";
import { inboundListeners, inboundPorts } from "./inbound.ts";
import { proxylessPorts, proxylessService, proxylessUnits } from "./services.ts";

const INBOUND = "inbound|";

/**
 * What gRPC asks for when it dials `xds:///HOST:PORT`: an API listener of that name, for the full name of a service and
 * for those that are shorter in its own namespace; and a listener for each port that the program itself serves. Source: gRFC A27; Istio, `grpcgen`.
 */
export const proxylessListeners: Generator<Listener> = {
  units: (read) => [...proxylessUnits(read), ...inboundPorts(read).map((port) => `${INBOUND}${port}`)],
  generate(read, unit, provenance) {
    if (unit.startsWith(INBOUND)) return inboundListeners(read, Number(unit.slice(INBOUND.length)), provenance);
    const service = proxylessService(read, unit);
    if (!service) return [];
    return hostsOf(read, service).flatMap((host) =>
      proxylessPorts(service).map((port) =>
        generated(
          read,
          `${host}:${port}`,
          (build): Listener =>
            build.from(
              {
                name: `${host}:${port}`,
                address: listenAddress(service.addresses[0]?.split("/")[0] ?? "0.0.0.0", port),
                apiListener: {
                  apiListener: typed(
                    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    {
                      rds: {
                        configSource: { ads: {} },
                        routeConfigName: clusterName("outbound", port, "", service.hostname),
                      },
                      httpFilters: [FAULT, routerFilter(false)],
                    },
                  ),
                },
              },
              service.source,
            ),
          provenance,
        ),
      ),
    );
  },
};

/** `shop.default.svc.cluster.local` is also `shop.default.svc`, `shop.default` and `shop` to a node of `default`. */
function hostsOf(read: Reader, { hostname }: Service): readonly string[] {
  const shorter = read.fact(`proxyless names of ${hostname}`, ({ namespace, dnsDomain }) => {
    if (!dnsDomain || !hostname.endsWith(`.${dnsDomain}`)) return "";
    const name = hostname.slice(0, -dnsDomain.length - 1);
    if (!dnsDomain.startsWith(`${namespace}.svc`)) return name;
    return [`${name}.${namespace}.svc`, `${name}.${namespace}`, name].join(" ");
  });
  return [hostname, ...shorter.split(" ").filter(Boolean)];
}
