import type { Endpoint, Locality } from "@fairlead/model";
import type { LbEndpoint } from "../../proto/types.ts";

/** An endpoint on its way into an assignment. */
export interface Candidate {
  readonly endpoint: Pick<Endpoint, "labels" | "network" | "clusterId" | "addresses">;
  /** Mesh mTLS is used towards it. */
  readonly mutualTls: boolean;
  readonly made: LbEndpoint;
}

/** Endpoints of one locality and priority. */
export interface Group {
  readonly locality: Locality;
  readonly members: readonly Candidate[];
  readonly weight: number | undefined;
  readonly priority: number;
}

/** Envoy's weights are 32 bits wide, and so are their sums. */
export const MAXIMUM_WEIGHT = 4_294_967_295;

/** The weight of a group's endpoints together; undefined for an empty group. */
export function totalWeight(members: readonly Candidate[]): number | undefined {
  if (members.length === 0) return undefined;
  return Math.min(
    MAXIMUM_WEIGHT,
    members.reduce((sum, { made }) => sum + (made.loadBalancingWeight ?? 1), 0),
  );
}

/** The same groups with their priorities renumbered 0, 1, 2, …: Envoy does not skip any. */
export function withoutGaps(groups: readonly Group[]): readonly Group[] {
  const used = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups.map((group) => ({ ...group, priority: used.indexOf(group.priority) }));
}
