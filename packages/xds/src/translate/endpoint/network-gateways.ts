import { meshNetworksOf, type Query, type Reader } from "@fairlead/mesh";
import { type Endpoint, type Service, structurallyEqual } from "@fairlead/model";
import { isIpAddress, maskedCidr } from "../listener/address.ts";

/** A way into a network from the others: it forwards mTLS by SNI. */
export interface NetworkGateway {
  readonly network: string;
  /** Empty: for all clusters of the network. */
  readonly clusterId: string;
  readonly address: string;
  /** A DNS name: only proxies that resolve names can use it. */
  readonly isName: boolean;
  readonly port: number;
}

interface NetworkGateways {
  readonly gateways: readonly NetworkGateway[];
  /** What weights are multiplied by, so that they can be shared evenly among the gateways of any network. */
  readonly scale: number;
}

const NETWORK_LABEL = "topology.istio.io/network";
const PORT_LABEL = "networking.istio.io/gatewayPort";
/** Where gateways take mTLS by SNI, unless they say otherwise. */
const DEFAULT_PORT = 15443;

/** Gateways of MeshNetworks (by address, or by the name of a service), and services labelled as gateways of a network. */
const all: Query<void, NetworkGateways> = {
  name: "network-gateways",
  key: () => "",
  compute(read) {
    const found = new Map<string, NetworkGateway>();
    const add = (network: string, clusterId: string, address: string, port: number) => {
      const gateway = { network, clusterId, address, isName: !isIpAddress(address), port };
      found.set(JSON.stringify(gateway), gateway);
    };
    for (const [network, { gateways }] of Object.entries(meshNetworksOf(read).networks ?? {}))
      for (const { address, registryServiceName, port } of gateways ?? []) {
        if (address) add(network, "", address, port || DEFAULT_PORT);
        for (const service of registryServiceName ? (read.bucket("host", registryServiceName) ?? []) : [])
          for (const external of service.externalAddresses ?? []) add(network, "", external, port || DEFAULT_PORT);
      }
    for (const namespace of read.bucket("serviceNamespaces", "") ?? [])
      for (const service of read.bucket("services", namespace) ?? []) {
        const network = service.labels[NETWORK_LABEL];
        if (network)
          for (const external of service.externalAddresses ?? []) add(network, "", external, gatewayPort(service));
      }
    const gateways = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gateway]) => gateway);
    const counts = [
      ...Map.groupBy(gateways, ({ network }) => network).values(),
      ...Map.groupBy(gateways, ({ network, clusterId }) => `${network}/${clusterId}`).values(),
    ].map((list) => list.length);
    return { gateways, scale: counts.reduce(leastCommonMultiple, 1) };
  },
  equal: structurallyEqual,
};

function gatewayPort({ labels }: Service): number {
  return Number(labels[PORT_LABEL]) || DEFAULT_PORT;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

export function networkGateways(read: Reader): NetworkGateways {
  return read.ask(all, undefined);
}

/** The endpoint's network: its own, else what MeshNetworks says of its registry, else of its address. Source: Istio `networkFromMeshNetworks`. */
export function networkOf(
  read: Reader,
  { network, addresses, clusterId }: Pick<Endpoint, "network" | "addresses" | "clusterId">,
): string {
  if (network) return network;
  const networks = Object.entries(meshNetworksOf(read).networks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const [address = ""] = addresses;
  for (const [name, { endpoints }] of networks)
    for (const { fromRegistry } of endpoints ?? []) if (fromRegistry && fromRegistry === clusterId) return name;
  for (const [name, { endpoints }] of networks)
    for (const { fromCidr } of endpoints ?? []) if (fromCidr && isInRange(address, fromCidr)) return name;
  return "";
}

function isInRange(address: string, cidr: string): boolean {
  const length = cidr.split("/")[1];
  return length !== undefined && isIpAddress(address) && maskedCidr(`${address}/${length}`) === maskedCidr(cidr);
}
