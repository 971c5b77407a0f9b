import { localityOf, type Reader } from "@fairlead/mesh";
import type { Locality } from "@fairlead/model";
import { type Group, totalWeight, withoutGaps } from "./group.ts";

const NETWORK = "topology.istio.io/network";

const PLACE: Readonly<Record<string, keyof Locality>> = {
  "topology.kubernetes.io/region": "region",
  "topology.kubernetes.io/zone": "zone",
  "topology.istio.io/subzone": "subzone",
};

/** A label of the client: what it says of itself, with its place and network added as for any endpoint. */
function clientLabel(read: Reader, key: string): string {
  const part = PLACE[key];
  const place = part ? localityOf(read)[part] : "";
  if (place) return place;
  return read.fact(`placed label ${key}`, ({ clusterId, network, metadata, labels }) => {
    const placed: Readonly<Record<string, unknown>> = {
      "topology.istio.io/cluster": clusterId,
      [NETWORK]: network,
      "kubernetes.io/hostname": metadata.NODE_NAME,
    };
    const value = placed[key];
    return typeof value === "string" && value !== "" ? value : (labels[key] ?? "");
  });
}

/**
 * Splits groups by how many of the labels, in order, endpoints share with the client: the more, the sooner they are
 * used. `key=value` compares with the value instead of the client's own. A network label that comes first only puts
 * other networks behind. Source: Istio API, `LocalityLoadBalancerSetting.failover_priority`.
 */
export function byLabels(read: Reader, groups: readonly Group[], labels: readonly string[]): readonly Group[] {
  const wanted = labels.map((label) => {
    const [key = "", value] = label.split("=");
    return [key, value ?? clientLabel(read, key)] as const;
  });
  return withoutGaps(
    groups.flatMap((group) => {
      const byPriority = new Map<number, Group["members"][number][]>();
      for (const member of group.members) {
        const priority = priorityOf(member.endpoint.labels, wanted);
        const list = byPriority.get(priority);
        if (list) list.push(member);
        else byPriority.set(priority, [member]);
      }
      return [...byPriority]
        .sort(([a], [b]) => a - b)
        .map(([priority, members]) => ({ ...group, members, weight: totalWeight(members), priority }));
    }),
  );
}

/** 0: all labels agree; else the later the first disagreement, the smaller. */
export function priorityOf(
  labels: Readonly<Record<string, string>>,
  wanted: readonly (readonly [key: string, value: string])[],
): number {
  let behind = 0;
  for (const [index, [key, value]] of wanted.entries()) {
    if (value === (labels[key] ?? "")) continue;
    if (index === 0 && key === NETWORK) behind = wanted.length;
    else return behind + wanted.length - index;
  }
  return behind;
}
