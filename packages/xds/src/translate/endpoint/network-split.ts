import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { isIPv6, listenAddress } from "../listener/address.ts";
import { addressFamilyOf } from "../listener/node-settings.ts";
import { type Candidate, type Group, MAXIMUM_WEIGHT, totalWeight } from "./group.ts";
import { endpointMetadata } from "./lb-endpoint.ts";
import { type NetworkGateway, networkGateways, networkOf } from "./network-gateways.ts";

/**
 * Endpoints of other networks are reached through their gateways, by SNI, so only with mTLS: each gateway takes its
 * part of their weight. Weights are scaled so that parts are whole. Without gateways networks make no difference.
 * Source: Istio, split-horizon EDS.
 */
export function acrossNetworks(read: Reader, groups: readonly Group[], service: Service): readonly Group[] {
  const { gateways, scale } = networkGateways(read);
  if (gateways.length === 0) return groups.map((group) => withMembers(group, group.members.filter(hasAddress)));
  const names = service.resolution === "DNSLB" || service.resolution === "DNSRoundRobinLB";
  const own = read.fact("network", (node) => node.network);
  const family = addressFamilyOf(read);
  const usable = (gateway: NetworkGateway) =>
    gateway.isName ? names : family === "Dual" || isIPv6(gateway.address) === (family === "IPv6");
  return groups.map((group) => {
    const members: Candidate[] = [];
    const shares = new Map<NetworkGateway, number>();
    for (const candidate of group.members) {
      const network = networkOf(read, candidate.endpoint);
      const all = gateways.filter((gateway) => gateway.network === network);
      const inCluster = all.filter((gateway) => gateway.clusterId === candidate.endpoint.clusterId);
      const chosen = inCluster.length > 0 ? inCluster : all;
      const weight = Math.min(MAXIMUM_WEIGHT, (candidate.made.loadBalancingWeight ?? 1) * scale);
      if (own === network || network === "" || chosen.length === 0) {
        if (hasAddress(candidate)) members.push(weighted(candidate, weight));
        continue;
      }
      const through = chosen.filter(usable);
      if (!candidate.mutualTls || through.length === 0) continue;
      for (const gateway of through)
        shares.set(gateway, (shares.get(gateway) ?? 0) + Math.floor(weight / through.length));
    }
    const sorted = [...shares].sort(([a], [b]) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port,
    );
    return withMembers(group, [...members, ...sorted.map(([gateway, weight]) => throughGateway(gateway, weight))]);
  });
}

function hasAddress({ endpoint }: Candidate): boolean {
  return endpoint.addresses.length > 0;
}

function withMembers(group: Group, members: readonly Candidate[]): Group {
  if (members.length === group.members.length && members.every((member, index) => member === group.members[index]))
    return group;
  return { ...group, members, weight: totalWeight(members) };
}

function weighted(candidate: Candidate, weight: number): Candidate {
  return weight === candidate.made.loadBalancingWeight
    ? candidate
    : { ...candidate, made: { ...candidate.made, loadBalancingWeight: weight } };
}

function throughGateway({ network, clusterId, address, port }: NetworkGateway, share: number): Candidate {
  const labels: Readonly<Record<string, string>> = {
    "topology.istio.io/network": network,
    ...(clusterId ? { "topology.istio.io/cluster": clusterId } : {}),
  };
  return {
    endpoint: { labels, network, clusterId, addresses: [address] },
    mutualTls: true,
    made: {
      endpoint: { address: listenAddress(address, port) },
      loadBalancingWeight: share || 1,
      metadata: endpointMetadata({ labels: {}, workloadName: "", namespace: "", clusterId }, true),
    },
  };
}
