import { isDnsLabel, isHeaderName } from "../../common/names.ts";
import { checkLabels, checkPort, checkRegex } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkGatewayNames } from "./hosts.ts";
import type { HttpMatch, StringMatch } from "./http-match.ts";

const PSEUDO_HEADERS: ReadonlySet<string> = new Set([":method", ":scheme", ":authority", ":path", ":status"]);

/** `@request.auth.claims.group` or `@request.auth.claims[group]`: a claim of the request's JWT, matched on gateways. */
export function isClaimHeader(name: string): boolean {
  return /^@request\.auth\.claims(\..+|\[.+\])$/i.test(name);
}

export function checkHttpMatch(match: HttpMatch, report: Report): void {
  for (const field of ["headers", "withoutHeaders"] as const)
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      const at = report.at(field, name);
      if (name === "") at.error("invalid-header", "a header name must not be empty");
      else if (!isClaimHeader(name) && !PSEUDO_HEADERS.has(name) && !isHeaderName(name))
        at.error("invalid-header", `${JSON.stringify(name)} is not a valid header name`);
      // The regex * stands for presence here, though it is no RE2.
      if (field === "headers" || value.regex !== "*") checkStringMatch(value, at);
    }
  if (match.uri?.regex !== undefined) checkRegex(match.uri.regex, report.at("uri", "regex"));
  for (const field of ["scheme", "method", "authority"] as const) {
    const value = match[field];
    if (value) checkStringMatch(value, report.at(field));
  }
  for (const [name, value] of Object.entries(match.queryParams ?? {}))
    checkStringMatch(value, report.at("queryParams", name));
  if (match.port) checkPort(match.port, report.at("port"));
  checkLabels(match.sourceLabels, report.at("sourceLabels"));
  checkGatewayNames(match.gateways, report.at("gateways"));
  if (match.sourceNamespace && !isDnsLabel(match.sourceNamespace))
    report.at("sourceNamespace").error("invalid-name", `${match.sourceNamespace} is not a valid namespace`);
}

/** An empty prefix matches everything, which Envoy takes for paths only. */
function checkStringMatch(match: StringMatch, report: Report): void {
  if (match.prefix === "") report.at("prefix").error("out-of-range", "a prefix must not be empty");
  if (match.regex !== undefined) checkRegex(match.regex, report.at("regex"));
}
