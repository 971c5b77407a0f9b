// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, type Infer, map, message, text, uint32 } from "../../schema/message.ts";

export const envoyProxyMatch = message({
  proxyVersion: text(),
  metadata: map(text()),
});
export type EnvoyProxyMatch = Infer<typeof envoyProxyMatch>;

export const subFilterMatch = message({
  name: text(),
});
export type SubFilterMatch = Infer<typeof subFilterMatch>;

export const filterMatch = message({
  name: text(),
  subFilter: subFilterMatch,
});
export type FilterMatch = Infer<typeof filterMatch>;

export const filterChainMatch = message({
  name: text(),
  sni: text(),
  transportProtocol: text(),
  transportSocket: text(),
  applicationProtocols: text(),
  filter: filterMatch,
  destinationPort: uint32(),
});
export type FilterChainMatch = Infer<typeof filterChainMatch>;

export const listenerMatch = message({
  portNumber: uint32(),
  portName: text(),
  filterChain: filterChainMatch,
  listenerFilter: text(),
  name: text(),
});
export type ListenerMatch = Infer<typeof listenerMatch>;

export const routeMatch = message({
  name: text(),
  action: choice("ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE"),
});
export type RouteMatch = Infer<typeof routeMatch>;

export const virtualHostMatch = message({
  name: text(),
  domainName: text(),
  route: routeMatch,
});
export type VirtualHostMatch = Infer<typeof virtualHostMatch>;

export const routeConfigurationMatch = message({
  portNumber: uint32(),
  portName: text(),
  gateway: text(),
  vhost: virtualHostMatch,
  name: text(),
});
export type RouteConfigurationMatch = Infer<typeof routeConfigurationMatch>;

export const clusterMatch = message({
  portNumber: uint32(),
  service: text(),
  subset: text(),
  name: text(),
});
export type ClusterMatch = Infer<typeof clusterMatch>;

export const waypointRouteMatch = message({
  name: text(),
});
export type WaypointRouteMatch = Infer<typeof waypointRouteMatch>;

export const waypointSubFilterMatch = message({
  name: text(),
});
export type WaypointSubFilterMatch = Infer<typeof waypointSubFilterMatch>;

export const waypointFilterMatch = message({
  name: text(),
  subFilter: waypointSubFilterMatch,
});
export type WaypointFilterMatch = Infer<typeof waypointFilterMatch>;

export const waypointMatch = message({
  portNumber: uint32({ min: 1, max: 65535 }),
  route: waypointRouteMatch,
  filter: waypointFilterMatch,
});
export type WaypointMatch = Infer<typeof waypointMatch>;

export const envoyPatchMatch = message(
  {
    context: choice("ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"),
    proxy: envoyProxyMatch,
    listener: listenerMatch,
    routeConfiguration: routeConfigurationMatch,
    cluster: clusterMatch,
    waypoint: waypointMatch,
  },
  ["listener", "routeConfiguration", "cluster", "waypoint"],
);
/** Which objects are patched; of the object matches there is one. */
export type EnvoyPatchMatch = Infer<typeof envoyPatchMatch>;
