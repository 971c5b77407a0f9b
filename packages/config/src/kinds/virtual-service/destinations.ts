import { isDnsLabel, wildcardHostFault } from "../../common/names.ts";
import { check, checkPort } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { Destination } from "../shared/destination.ts";

export function checkDestination({ host, subset, port }: Destination, report: Report): void {
  if (host === "*") report.at("host").error("invalid-host", "a destination must not be *");
  else check(report.at("host"), "invalid-host", wildcardHostFault(host));
  if (subset) checkSubsetName(subset, report.at("subset"));
  if (port) checkPort(port.number ?? 0, report.at("port", "number"));
}

export function checkSubsetName(name: string, report: Report): void {
  if (!isDnsLabel(name))
    report.error("invalid-name", `${JSON.stringify(name)} is not a valid subset name (a DNS label)`);
}

/** Weighted destinations: valid each, weights not negative, their sum positive when there are several. */
export function checkDestinations(
  destinations: readonly { readonly destination: Destination; readonly weight?: number }[],
  report: Report,
): void {
  const total = destinations.reduce((sum, { weight = 0 }) => sum + weight, 0);
  if (destinations.length > 1 && total === 0) report.error("out-of-range", "the weights add up to 0");
  for (const [index, { destination, weight = 0 }] of destinations.entries()) {
    checkDestination(destination, report.at(index, "destination"));
    if (weight < 0) report.at(index, "weight").error("out-of-range", "a weight must not be negative");
  }
}
