import { check } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { LocalityLoadBalancer, ZoneAwareLoadBalancer } from "./locality.ts";

const TOPOLOGY_LABELS: ReadonlySet<string> = new Set([
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
]);

/** `detectsOutliers`: whether there is outlier detection, without which there is no failover. */
export function checkLocality(
  settings: LocalityLoadBalancer | undefined,
  detectsOutliers: boolean,
  report: Report,
): void {
  if (settings === undefined) return;
  const { distribute = [], failover = [], failoverPriority = [] } = settings;
  if (distribute.length > 0 && failover.length > 0)
    report.error("conflicting-fields", "distribute and failover exclude each other");
  if (failover.length > 0)
    for (const [index, label] of failoverPriority.entries())
      if (TOPOLOGY_LABELS.has(label))
        report.at("failoverPriority", index).error("conflicting-fields", `${label} and failover exclude each other`);
  for (const [index, { to = {} }] of distribute.entries()) {
    const at = report.at("distribute", index, "to");
    let total = 0;
    for (const [locality, weight] of Object.entries(to)) {
      if (weight < 1 || weight > 100) at.at(locality).error("out-of-range", `must be from 1 to 100, is ${weight}`);
      total += weight;
    }
    if (total !== 100) at.error("out-of-range", `the weights must add up to 100, they add up to ${total}`);
    check(at, "invalid-locality", localitiesFault(Object.keys(to)));
  }
  check(report.at("distribute"), "invalid-locality", localitiesFault(distribute.map(({ from }) => from ?? "")));
  checkFailover(settings, detectsOutliers, report);
}

/** Here Envoy looks after zones by itself; only the order of regions can be set. */
export function checkZoneAware(
  settings: ZoneAwareLoadBalancer | undefined,
  detectsOutliers: boolean,
  report: Report,
): void {
  if (settings === undefined) return;
  for (const [index, label] of (settings.failoverPriority ?? []).entries())
    if (TOPOLOGY_LABELS.has(label))
      report.at("failoverPriority", index).error("unsupported", `${label} is taken care of without it`);
  checkFailover(settings, detectsOutliers, report);
}

function checkFailover(
  { failover = [], failoverPriority = [] }: LocalityLoadBalancer | ZoneAwareLoadBalancer,
  detectsOutliers: boolean,
  report: Report,
): void {
  if (failover.length + failoverPriority.length > 0 && !detectsOutliers)
    report.warning("ineffective", "there is no failover without outlierDetection");
  for (const [index, { from = "", to = "" }] of failover.entries()) {
    const at = report.at("failover", index);
    if (from === to) at.error("conflicting-values", "from and to must differ");
    if (from.includes("/") || to.includes("/")) at.error("invalid-locality", "must be regions, without zone");
    if (from.includes("*") || to.includes("*")) at.error("invalid-locality", "no wildcard is allowed");
  }
}

/** Well-formed (`region/zone/*`), and none within another. */
function localitiesFault(localities: readonly string[]): string | undefined {
  const seen = new Set<string>();
  /** The regions, and regions with zone, of which narrower parts were seen. */
  const divided = new Set<string>();
  for (const locality of localities) {
    const quoted = JSON.stringify(locality);
    const parts = splitLocality(locality);
    const stars = locality.split("*").length - 1;
    if (stars > 1 || (stars === 1 && !locality.endsWith("*"))) return `${quoted} may have one wildcard, at its end`;
    if (parts.includes("")) return `${quoted} must not have empty parts`;
    const levels = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    // Order counts: what follows a wider one overlaps, and so does a wider one that follows a part of it.
    const within = levels.some(
      (level, index) => seen.has(level) || (index < parts.length - 1 && seen.has(`${level}/*`)),
    );
    if (seen.has("*") || within || divided.has(parts.join("/"))) return `${quoted} overlaps with one before it`;
    seen.add(parts.join("/"));
    for (const level of levels.slice(0, -1)) divided.add(level);
  }
  return undefined;
}

function splitLocality(locality: string): string[] {
  const [region = "", zone, ...subzone] = locality.split("/");
  if (zone === undefined) return [region];
  return subzone.length > 0 ? [region, zone, subzone.join("/")] : [region, zone];
}
