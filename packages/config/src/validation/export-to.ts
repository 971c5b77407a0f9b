import { isDnsLabel } from "../common/names.ts";
import type { Report } from "./report.ts";

/**
 * `exportTo`: `.` (own namespace), `*` (all), a namespace, and for ServiceEntries `~` (nobody). With `selective` (a
 * DestinationRule for chosen workloads) only the own namespace.
 */
export function checkExportTo(
  exportTo: readonly string[] | undefined,
  namespace: string,
  report: Report,
  { allowNone = false, selective = false } = {},
): void {
  if (!exportTo?.length) return;
  const seen = new Set<string>();
  for (const [index, entry] of exportTo.entries()) {
    const at = report.at(index);
    const key = entry === "." ? namespace : entry;
    if (seen.has(key)) {
      at.error("duplicate", `${JSON.stringify(entry)} is already there`);
      continue;
    }
    if (entry === "~" && !allowNone) at.error("invalid-export", "~ (nobody) is for ServiceEntries only");
    else if (key !== "~" && key !== "*" && key !== "." && !isDnsLabel(key))
      at.error("invalid-export", `${JSON.stringify(key)} is none of ., * or a namespace`);
    else seen.add(key);
  }
  if (selective && seen.size > 0)
    if (!seen.has(namespace))
      report.error("invalid-export", "with a workloadSelector only the own namespace is allowed");
    else if (seen.size > 1) report.error("invalid-export", "with a workloadSelector only one entry is allowed");
  if (seen.has("*") && exportTo.length > 1)
    report.error("conflicting-values", "* and other entries exclude each other");
  if (seen.has("~") && exportTo.length > 1)
    report.error("conflicting-values", "~ and other entries exclude each other");
}
