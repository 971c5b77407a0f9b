import { regexFault } from "../../common/regex.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkWorkloadSelector } from "../../validation/attachment.ts";
import { check, checkAtMostOne, checkPort } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkFilterMatch } from "./check-filter-match.ts";
import { checkValue } from "./check-value.ts";
import type { EnvoyConfigPatch, EnvoyFilter } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateEnvoyFilter({ spec }: ObjectOf<EnvoyFilter>, report: Report): void {
  report.warning("internals", "reaches into what Envoy is configured with, which may change with any version");
  checkWorkloadSelector(spec.workloadSelector, report.at("workloadSelector"));
  checkAtMostOne(spec, ["workloadSelector", "targetRefs"], report);
  for (const [index, patch] of (spec.configPatches ?? []).entries())
    checkPatch(patch, report.at("configPatches", index));
}

function checkPatch({ applyTo = "INVALID", match, patch }: EnvoyConfigPatch, report: Report): void {
  if ((match?.context === "WAYPOINT") !== (match?.waypoint !== undefined) && match)
    report.at("match").error("conflicting-fields", "the context WAYPOINT and a waypoint match go together");
  if (match?.waypoint?.portNumber !== undefined)
    checkPort(match.waypoint.portNumber, report.at("match", "waypoint", "portNumber"));
  // The webhook looks no further at patches for waypoints.
  if (match?.context === "WAYPOINT") return;
  if (applyTo === "INVALID") {
    report.at("applyTo").error("required", "is required");
    return;
  }
  if (patch === undefined) {
    report.at("patch").error("required", "is required");
    return;
  }
  const { operation = "INVALID", value } = patch;
  if (operation === "INVALID") {
    report.at("patch", "operation").error("required", "is required");
    return;
  }
  if (operation !== "REMOVE" && value === undefined) {
    report.at("patch", "value").error("required", `is required for ${operation}`);
    return;
  }
  const version = match?.proxy?.proxyVersion ?? "";
  const versionAt = report.at("match", "proxy", "proxyVersion");
  if (version.length > 1024) versionAt.warning("ineffective", "is ignored, as it is longer than 1024 characters");
  else check(versionAt, "invalid-regex", regexFault(version));
  checkMatchKind(applyTo, match, report.at("match"));
  if (match?.listener) checkFilterMatch(match.listener, applyTo, report.at("match", "listener"));
  if (value) checkValue(applyTo, value, report.at("patch", "value"));
}

/** Which of the object matches goes with what is patched. */
const MATCH_OF: Readonly<Record<string, "listener" | "routeConfiguration" | "cluster">> = {
  LISTENER: "listener",
  FILTER_CHAIN: "listener",
  NETWORK_FILTER: "listener",
  HTTP_FILTER: "listener",
  ROUTE_CONFIGURATION: "routeConfiguration",
  VIRTUAL_HOST: "routeConfiguration",
  HTTP_ROUTE: "routeConfiguration",
  CLUSTER: "cluster",
};

function checkMatchKind(applyTo: string, match: EnvoyConfigPatch["match"], report: Report): void {
  const wanted = MATCH_OF[applyTo];
  if (wanted === undefined || match === undefined || match[wanted] !== undefined) return;
  const found = (["listener", "routeConfiguration", "cluster", "waypoint"] as const).find((kind) => match[kind]);
  if (found) report.at(found).error("conflicting-fields", `${applyTo} goes with a ${wanted} match`);
}
