import { gatewayServices, type Query, type Reader, sidecarScopeOf } from "@fairlead/mesh";
import { clusterName } from "../names.ts";
import { isGateway } from "./node-settings.ts";

export type ProviderCluster =
  | { readonly hostname: string; readonly cluster: string; readonly problem?: never }
  | { readonly problem: string };

/**
 * The cluster of a service that an extension provider names: `namespace/hostname`, or a host name that only one
 * namespace has. Source: Istio API, `ExtensionProvider.service`.
 */
export function providerCluster(read: Reader, service: string | undefined, port: number | undefined): ProviderCluster {
  if (!service) return { problem: "names no service" };
  const slash = service.indexOf("/");
  const hostname = service.slice(slash + 1);
  const found = (read.bucket("host", hostname) ?? []).filter(
    (one) => slash < 0 || one.namespace === service.slice(0, slash),
  );
  if (found.length === 0) return { problem: `names service ${service}, which is not in the registry` };
  if (new Set(found.map((one) => one.namespace)).size > 1)
    return { problem: `names service ${service}, which several namespaces have; say which as namespace/hostname` };
  return { hostname, cluster: clusterName("outbound", port ?? 0, "", hostname) };
}

interface Place {
  readonly hostname: string;
  readonly port: number;
}

const reached: Query<Place, { readonly is: boolean }> = {
  name: "provider-cluster",
  key: ({ hostname, port }) => `${hostname}:${port}`,
  compute(read, { hostname, port }) {
    const services = isGateway(read) ? gatewayServices(read) : sidecarScopeOf(read).services;
    const is = services.some(
      (service) =>
        service.hostname === hostname &&
        service.resolution !== "Alias" &&
        service.ports.some(({ number, protocol }) => number === port && protocol !== "UDP"),
    );
    return { is };
  },
  equal: (a, b) => a.is === b.is,
};

/** Whether the node has the cluster of a service's port: of what it does not see, and of ports that are not there, it has none. */
export function hasClusterOf(read: Reader, place: Place): boolean {
  return read.ask(reached, place).is;
}
