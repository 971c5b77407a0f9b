import { checkDuration, checkUnique } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkLocality, checkZoneAware } from "./check-locality.ts";
import type { ConsistentHash, LoadBalancer } from "./load-balancer.ts";

/** `detectsOutliers`: whether the policy has outlier detection, without which there is no failover. */
export function checkLoadBalancer(settings: LoadBalancer | undefined, detectsOutliers: boolean, report: Report): void {
  if (settings === undefined) return;
  const { consistentHash, localityLbSetting, zoneAwareLbSetting, warmup } = settings;
  if (consistentHash) checkConsistentHash(consistentHash, report.at("consistentHash"));
  if (localityLbSetting && zoneAwareLbSetting)
    report.error("conflicting-fields", "localityLbSetting and zoneAwareLbSetting exclude each other");
  checkLocality(localityLbSetting, detectsOutliers, report.at("localityLbSetting"));
  checkZoneAware(zoneAwareLbSetting, detectsOutliers, report.at("zoneAwareLbSetting"));
  if (warmup) {
    checkDuration(warmup.duration, report.at("warmup", "duration"));
    if (warmup.aggression !== undefined && warmup.aggression <= 0)
      report.at("warmup", "aggression").error("out-of-range", "must be greater than 0");
  }
}

/** Above this, Envoy refuses the table. */
const MAX_TABLE_SIZE = 5_000_011;

function checkConsistentHash(hash: ConsistentHash, report: Report): void {
  const { httpCookie, minimumRingSize, maglev, ringHash } = hash;
  if (httpCookie) {
    const at = report.at("httpCookie");
    if (httpCookie.name === "") at.at("name").error("required", "must not be empty");
    for (const [index, { name }] of (httpCookie.attributes ?? []).entries())
      if (name === "") at.at("attributes", index, "name").error("required", "must not be empty");
    checkUnique(httpCookie.attributes, ({ name }) => name, "attribute", at.at("attributes"));
  }
  if (minimumRingSize) {
    report.at("minimumRingSize").warning("deprecated", "use ringHash.minimumRingSize");
    if (maglev || ringHash) report.at("minimumRingSize").error("conflicting-fields", "excludes ringHash and maglev");
  }
  if (maglev) {
    const at = report.at("maglev", "tableSize");
    const size = maglev.tableSize ?? 0;
    if (size === 0) at.error("required", "is required");
    if (size >= MAX_TABLE_SIZE) at.error("out-of-range", `must be less than ${MAX_TABLE_SIZE}`);
    else if (size > 0 && !isPrime(size)) at.error("out-of-range", `must be a prime number, is ${size}`);
  }
}

/** As Envoy has it: 1 counts as a prime number. */
function isPrime(value: number): boolean {
  if (value < 4) return value !== 0;
  if (value % 2 === 0) return false;
  for (let factor = 3; factor * factor <= value; factor += 2) if (value % factor === 0) return false;
  return true;
}
