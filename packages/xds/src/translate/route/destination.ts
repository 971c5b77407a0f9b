import type { Destination } from "@fairlead/config";
import { destinationRuleOf, type Reader, serviceOfHost, visibleServicesOfHost } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { clusterName } from "../names.ts";

/** How a destination is looked up. */
export interface DestinationLookup {
  /** The port that the request came in on. */
  readonly port: number;
  /** Whether a destination without a port means the only port of its service. Default: true. */
  readonly inferPort?: boolean;
  /** The service of this namespace goes first where the host name occurs in several. */
  readonly namespace?: string;
  /** What was looked up last, where it is for one reader alone: routes name their service several times. */
  readonly last?: { host: string; service: Service | undefined };
}

/** The service that a destination names. */
export function destinationService(
  read: Reader,
  host: string,
  { namespace, last }: DestinationLookup,
): Service | undefined {
  if (last?.host === host) return last.service;
  const service = findService(read, host, namespace);
  if (last) {
    last.host = host;
    last.service = service;
  }
  return service;
}

function findService(read: Reader, host: string, namespace: string | undefined): Service | undefined {
  const preferred =
    namespace === undefined
      ? undefined
      : visibleServicesOfHost(read, host).find((service) => service.namespace === namespace);
  return preferred ?? serviceOfHost(read, host);
}

/**
 * The cluster of a destination. Without a port of its own it is that of the only port of the service, else the port
 * that the request came in on. Where the service does not exist, the cluster neither does, and requests fail there.
 * Source: Istio `route.GetDestinationCluster`.
 */
export function destinationCluster(read: Reader, destination: Destination, lookup: DestinationLookup): string {
  if (!destination.host) return "UnknownService";
  const service = destinationService(read, destination.host, lookup);
  const host = service?.externalName ?? destination.host;
  const only = lookup.inferPort !== false && service?.ports.length === 1 ? service.ports[0]?.number : undefined;
  return clusterName("outbound", destination.port?.number ?? only ?? lookup.port, destination.subset ?? "", host);
}

/** Why requests to a destination fail, when it is plain that they do: no such service, port or subset is seen from here. */
export function deadEnd(
  read: Reader,
  destination: Destination,
  lookup: DestinationLookup,
): { readonly code: string; readonly message: string } | undefined {
  const { host, port, subset } = destination;
  // Only a route of the Gateway API has one, whose conversion has said why.
  if (!host) return undefined;
  const service = destinationService(read, host, lookup);
  if (!service)
    return {
      code: "unknown-destination",
      message: `there is no service ${host} to be seen from here: requests fail with 503`,
    };
  const number = port?.number;
  if (number && !service.ports.some((one) => one.number === number)) {
    const ports = service.ports.map((one) => one.number).join(", ");
    return { code: "unknown-port", message: `${host} has no port ${number} (it has ${ports}): requests fail with 503` };
  }
  if (!subset) return undefined;
  const subsets = destinationRuleOf(read, service)?.spec.subsets ?? [];
  if (subsets.some(({ name }) => name === subset)) return undefined;
  return {
    code: "unknown-subset",
    message: `no DestinationRule that holds here gives ${host} a subset ${subset}: requests fail with 503`,
  };
}
