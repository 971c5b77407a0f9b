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
  const seen: string[][] = [];
  for (const locality of localities) {
    const quoted = JSON.stringify(locality);
    const parts = splitLocality(locality);
    const stars = locality.split("*").length - 1;
    if (stars > 1 || (stars === 1 && !locality.endsWith("*"))) return `${quoted} may have one wildcard, at its end`;
    if (parts.includes("")) return `${quoted} must not have empty parts`;
    if (seen.some((earlier) => overlap(earlier, parts))) return `${quoted} overlaps with one before it`;
    seen.push(parts);
  }
  return undefined;
}

function splitLocality(locality: string): string[] {
  const [region = "", zone, ...subzone] = locality.split("/");
  if (zone === undefined) return [region];
  return subzone.length > 0 ? [region, zone, subzone.join("/")] : [region, zone];
}

/** Order counts: what comes after a wider one overlaps, and a wider one that comes after a part of it does too. */
function overlap(earlier: readonly string[], later: readonly string[]): boolean {
  if (earlier[0] === "*") return true;
  for (let level = 0; level < 3; level++) {
    const [a, b] = [earlier[level], later[level]];
    if (a === undefined || b === undefined || (a === "*" && level > 0)) return true;
    if (a !== b) return false;
  }
  return true;
}
