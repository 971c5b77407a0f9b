// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { type Infer, int32, list, map, message, required, text, uint32 } from "../../schema/message.ts";
import { destination } from "../shared/destination.ts";
import { httpRoute } from "./http-route.ts";

export const tlsMatch = message({
  sniHosts: required(list(text())),
  destinationSubnets: list(text()),
  port: uint32(),
  sourceLabels: map(text()),
  gateways: list(text()),
  sourceNamespace: text(),
});
/** All that is set must hold. */
export type TlsMatch = Infer<typeof tlsMatch>;

export const routeDestination = message({
  destination: required(destination),
  weight: int32(),
});
/** A destination with its share of connections; weights are relative. */
export type RouteDestination = Infer<typeof routeDestination>;

export const tlsRoute = message({
  match: required(list(tlsMatch)),
  route: list(routeDestination),
});
/** A rule for TLS connections that are passed on as they are, by SNI. */
export type TlsRoute = Infer<typeof tlsRoute>;

export const tcpMatch = message({
  destinationSubnets: list(text()),
  port: uint32(),
  sourceSubnet: text(),
  sourceLabels: map(text()),
  gateways: list(text()),
  sourceNamespace: text(),
});
/** All that is set must hold. */
export type TcpMatch = Infer<typeof tcpMatch>;

export const tcpRoute = message({
  match: list(tcpMatch),
  route: list(routeDestination),
});
/** A rule for connections whose protocol is not looked into. */
export type TcpRoute = Infer<typeof tcpRoute>;

export const virtualService = message({
  hosts: list(text()),
  gateways: list(text()),
  http: list(httpRoute),
  tls: list(tlsRoute),
  tcp: list(tcpRoute),
  exportTo: list(text()),
});
/** Rules for the traffic to some hosts: where requests go, and what happens to them on the way. Rules are tried in order. */
export type VirtualService = Infer<typeof virtualService>;
