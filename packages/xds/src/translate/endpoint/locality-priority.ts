import type { LocalityDistribute, LocalityFailover } from "@fairlead/config";
import { localityOf, type Reader } from "@fairlead/mesh";
import { type Locality, parseLocality } from "@fairlead/model";
import type { LocalitySettings } from "../cluster/locality-settings.ts";
import { byLabels } from "./failover-priority.ts";
import { type Group, withoutGaps } from "./group.ts";

/** Groups with the weights and priorities that the client's locality gives them. Failover needs outlier detection. */
export function withLocalities(
  read: Reader,
  groups: readonly Group[],
  settings: LocalitySettings,
  detectsOutliers: boolean,
): readonly Group[] {
  if (settings.kind === "none") return groups;
  if (settings.kind === "zone-aware") {
    if (!settings.enabled) return groups;
    const { failoverPriority = [], failover = [] } = settings.setting;
    const ordered = failoverPriority.length > 0 ? byLabels(read, groups, failoverPriority) : groups;
    return byDistance(read, ordered, (client, locality) => regionDistance(client, locality, failover));
  }
  const { distribute = [], failover = [], failoverPriority = [] } = settings.setting;
  if (distribute.length > 0) return distributed(localityOf(read), groups, distribute);
  if (!detectsOutliers && !settings.force) return groups;
  if (failoverPriority.length === 0)
    return byDistance(read, groups, (client, locality) => distance(client, locality, failover));
  const ordered = byLabels(read, groups, failoverPriority);
  return failover.length > 0
    ? byDistance(read, ordered, (client, locality) => distance(client, locality, failover))
    : ordered;
}

/** 0 the same subzone, 1 the same zone, 2 the same region, 3 elsewhere, 4 elsewhere though failover names another region. */
export function distance(client: Locality, locality: Locality, failover: readonly LocalityFailover[]): number {
  if (client.region !== locality.region) return elsewhere(client, locality, failover) ? 4 : 3;
  if (client.zone !== locality.zone) return 2;
  return client.subzone === locality.subzone ? 0 : 1;
}

/** 0 the same region (Envoy balances its zones), 1 the region that failover names, 2 any other. */
export function regionDistance(client: Locality, locality: Locality, failover: readonly LocalityFailover[]): number {
  if (client.region === locality.region) return 0;
  return failover.find(({ from }) => from === client.region)?.to === locality.region ? 1 : 2;
}

function elsewhere(client: Locality, locality: Locality, failover: readonly LocalityFailover[]): boolean {
  const setting = failover.find(({ from }) => from === client.region);
  return setting !== undefined && setting.to !== locality.region;
}

/** Priorities by distance, below those that groups have already. One group is first whoever asks: nothing is read. */
function byDistance(
  read: Reader,
  groups: readonly Group[],
  distanceOf: (client: Locality, locality: Locality) => number,
): readonly Group[] {
  if (groups.length < 2) return withoutGaps(groups);
  const client = localityOf(read);
  return withoutGaps(
    groups.map((group) => ({ ...group, priority: group.priority * 5 + distanceOf(client, group.locality) })),
  );
}

/** Whether a locality falls under a pattern as `region/zone/*` or `region`; `*` alone is everything. */
export function matchesLocality(locality: Locality, pattern: string): boolean {
  const wanted = parseLocality(pattern);
  const fits = (have: string, want: string, optional: boolean) =>
    want === "*" || (optional && want === "") || have === want;
  return (
    fits(locality.region, wanted.region, false) &&
    fits(locality.zone, wanted.zone, true) &&
    fits(locality.subzone, wanted.subzone, true)
  );
}

/**
 * Weights as the first `distribute` for the client's locality says; what it does not name gets no traffic. A target
 * that covers several localities is shared among them by the weight of their endpoints.
 */
export function distributed(
  client: Locality,
  groups: readonly Group[],
  distribute: readonly LocalityDistribute[],
): readonly Group[] {
  const targets = distribute.find(({ from }) => matchesLocality(client, from ?? ""))?.to;
  if (!targets) return groups;
  const open = new Set(groups.keys());
  const result = [...groups];
  for (const [pattern, share] of Object.entries(targets).sort(
    ([a], [b]) => specificity(b) - specificity(a) || (a < b ? -1 : 1),
  )) {
    const members = [...open].filter((index) => matchesLocality(groups[index]?.locality ?? NOWHERE, pattern));
    const total = members.reduce((sum, index) => sum + (groups[index]?.weight ?? 1), 0);
    for (const index of members) {
      open.delete(index);
      const group = groups[index];
      const weight = Math.ceil(((group?.weight ?? 1) * share) / total);
      if (group && weight > 0) result[index] = { ...group, weight };
    }
  }
  for (const index of open) {
    const group = groups[index];
    if (group) result[index] = { ...group, members: [] };
  }
  return result;
}

const NOWHERE: Locality = { region: "", zone: "", subzone: "" };

/** How much of a locality a pattern spells out. */
function specificity(pattern: string): number {
  return pattern.split("/").filter((part) => part !== "" && part !== "*").length;
}
