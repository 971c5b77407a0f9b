import type { Protocol } from "@fairlead/model";
import type { RouteConfiguration } from "../../proto/types.ts";
import { defaultInboundRoute } from "./default-route.ts";
import { hostWithPort } from "./domain.ts";

/** What requests to a port of the node's own workload lead to. */
export interface InboundTarget {
  readonly cluster: string;
  /** The service port; 0 where traffic is passed through as it came. */
  readonly port: number;
  /** The host name of the service, or empty. */
  readonly host: string;
  readonly protocol: Protocol;
}

/** The route configuration that stands in an inbound connection manager itself. */
export function inboundRouteConfiguration(target: InboundTarget): RouteConfiguration {
  const { cluster, port, host, protocol } = target;
  return {
    name: cluster,
    virtualHosts: [
      {
        name: `inbound|http|${port}`,
        domains: ["*"],
        routes: [defaultInboundRoute(cluster, `${hostWithPort(host, port)}/*`, protocol)],
      },
    ],
    validateClusters: false,
  };
}
