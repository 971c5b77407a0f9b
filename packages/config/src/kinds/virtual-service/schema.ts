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
export type TlsMatch = Infer<typeof tlsMatch>;

export const routeDestination = message({
  destination: required(destination),
  weight: int32(),
});
export type RouteDestination = Infer<typeof routeDestination>;

export const tlsRoute = message({
  match: required(list(tlsMatch)),
  route: list(routeDestination),
});
export type TlsRoute = Infer<typeof tlsRoute>;

export const tcpMatch = message({
  destinationSubnets: list(text()),
  port: uint32(),
  sourceSubnet: text(),
  sourceLabels: map(text()),
  gateways: list(text()),
  sourceNamespace: text(),
});
export type TcpMatch = Infer<typeof tcpMatch>;

export const tcpRoute = message({
  match: list(tcpMatch),
  route: list(routeDestination),
});
export type TcpRoute = Infer<typeof tcpRoute>;

export const virtualService = message({
  hosts: list(text()),
  gateways: list(text()),
  http: list(httpRoute),
  tls: list(tlsRoute),
  tcp: list(tcpRoute),
  exportTo: list(text()),
});
export type VirtualService = Infer<typeof virtualService>;
