// Fields of istio/api mesh/v1alpha1.
import { type Infer, list, map, message, text, uint32 } from "../../schema/message.ts";

export const networkEndpoints = message(
  {
    fromCidr: text(),
    fromRegistry: text(),
  },
  ["fromCidr", "fromRegistry"],
);
export type NetworkEndpoints = Infer<typeof networkEndpoints>;

export const istioNetworkGateway = message(
  {
    registryServiceName: text(),
    address: text(),
    port: uint32(),
    locality: text(),
  },
  ["registryServiceName", "address"],
);
export type IstioNetworkGateway = Infer<typeof istioNetworkGateway>;

export const network = message({
  endpoints: list(networkEndpoints),
  gateways: list(istioNetworkGateway),
});
/** One network: whose endpoints it has, and its gateways. */
export type Network = Infer<typeof network>;

export const meshNetworks = message({
  networks: map(network),
});
/** Which endpoints are on which network, and the gateways between networks. A document without kind. */
export type MeshNetworks = Infer<typeof meshNetworks>;
