import { type EffectiveDestinationRule, endpointsOf, meshConfigOf, type Reader } from "@fairlead/mesh";
import {
  type Endpoint,
  formatLocality,
  type Locality,
  matchesLabels,
  type Service,
  type ServicePort,
} from "@fairlead/model";
import type { LocalityLbEndpoints } from "../../proto/types.ts";
import { localitySettings } from "../cluster/locality-settings.ts";
import { rulePolicy } from "../cluster/policy.ts";
import { isIpAddress } from "../listener/address.ts";
import { type Candidate, type Group, totalWeight } from "./group.ts";
import { isServed } from "./health.ts";
import { lbEndpoint } from "./lb-endpoint.ts";
import { withLocalities } from "./locality-priority.ts";
import { mutualTlsCheck } from "./mutual-tls.ts";
import { acrossNetworks } from "./network-split.ts";
import { reachFilter } from "./reach.ts";

export interface AssignmentInput {
  /** Name of the cluster; in SNI form for a gateway that passes mTLS through. */
  readonly name: string;
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: EffectiveDestinationRule | undefined;
  readonly subset: string;
}

/** The endpoints of a cluster as the node sees them, by locality. */
export function localityEndpoints(read: Reader, input: AssignmentInput): readonly LocalityLbEndpoints[] {
  const { service, port, rule, subset } = input;
  const policy = rulePolicy(rule?.spec, port.number, subset);
  const candidates = candidatesOf(read, input, policy?.outlierDetection?.minHealthPercent ?? 0);
  const sni = input.name.startsWith("outbound_.");
  const reachable = acrossNetworks(read, groupsOf(candidates), service);
  const groups = sni ? reachable.map(onlyMutualTls) : reachable;
  // Of a name whose answers are used in turn there is one, wherever the client is.
  if (groups.length === 0 || service.resolution === "DNSRoundRobinLB") return groups.map(finished);
  const settings = localitySettings(policy?.loadBalancer, service, meshConfigOf(read));
  return withLocalities(read, groups, settings, policy?.outlierDetection !== undefined).map(finished);
}

interface Placed extends Candidate {
  readonly locality: Locality;
}

function candidatesOf(read: Reader, input: AssignmentInput, minHealthPercent: number): readonly Placed[] {
  const { service, port, rule, subset } = input;
  const labels = subset === "" ? undefined : rule?.spec.subsets?.find(({ name }) => name === subset)?.labels;
  const resolvesNames = service.resolution === "DNSLB" || service.resolution === "DNSRoundRobinLB";
  const takesMutualTls = mutualTlsCheck(read, rule?.spec, subset, port.number);
  const isInReach = reachFilter(read, service);
  const found: Placed[] = [];
  for (const endpoint of endpointsOf(read, service)) {
    const number = endpoint.ports[port.name];
    if (number === undefined || (labels && !matchesLabels(labels, endpoint.labels))) continue;
    if (!resolvesNames && !isDialable(endpoint, number)) continue;
    if (!isInReach(endpoint) || !isServed(endpoint, service, minHealthPercent)) continue;
    const mutualTls = endpoint.tlsMode === "istio" && takesMutualTls(endpoint, number);
    found.push({
      endpoint,
      locality: endpoint.locality,
      mutualTls,
      made: lbEndpoint(read, endpoint, number, mutualTls),
    });
  }
  return found;
}

/** Names among endpoints that are not resolved are left out, as are endpoints behind a gateway without an address. */
function isDialable({ addresses }: Endpoint, port: number): boolean {
  const [address] = addresses;
  return address === undefined || port === 0 || isIpAddress(address);
}

/** One group a locality, by name; endpoints stay in order. */
function groupsOf(candidates: readonly Placed[]): readonly Group[] {
  const groups = new Map<string, { locality: Locality; members: Candidate[] }>();
  for (const candidate of candidates) {
    const { locality } = candidate;
    const label = formatLocality(locality);
    const group = groups.get(label);
    if (group) group.members.push(candidate);
    else groups.set(label, { locality, members: [candidate] });
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([, group]) => ({ ...group, weight: totalWeight(group.members), priority: 0 }));
}

/** An SNI gateway cannot tell whether a connection is mTLS: it sends on only to endpoints that insist on knowing. */
function onlyMutualTls(group: Group): Group {
  const members = group.members.filter(({ mutualTls }) => mutualTls);
  return { ...group, members, weight: totalWeight(members) };
}

function finished({ locality: { region, zone, subzone }, members, weight, priority }: Group): LocalityLbEndpoints {
  return {
    ...(members.length > 0 ? { lbEndpoints: members.map(({ made }) => made) } : {}),
    ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
    locality: { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subzone ? { subZone: subzone } : {}) },
    ...(priority > 0 ? { priority } : {}),
  };
}
