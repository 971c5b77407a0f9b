// One HTTP route has many fields; each has its few rules here, in the order of the schema.

import { parseDuration } from "../../common/duration.ts";
import { isHeaderName } from "../../common/names.ts";
import { byteLength, checkDuration, checkPort, checkRegex } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkDestination, checkDestinations } from "./destinations.ts";
import { checkFault } from "./fault.ts";
import { checkHeaders, isAuthorityHeader } from "./headers.ts";
import type { CorsPolicy, HttpDirectResponse, HttpRedirect, HttpRewrite, HttpRoute } from "./http-route.ts";
import { checkHttpMatch } from "./match.ts";
import { checkRetry } from "./retry.ts";

export function checkHttpRoute(route: HttpRoute, delegate: boolean, report: Report): void {
  checkConflicts(route, delegate, report);
  for (const [index, match] of (route.match ?? []).entries()) checkHttpMatch(match, report.at("match", index));
  checkHeaders(route.headers, report.at("headers"));
  checkCors(route.corsPolicy, report.at("corsPolicy"));
  checkFault(route.fault, report.at("fault"));
  checkMirrors(route, report);
  checkRedirect(route, report.at("redirect"));
  checkDirectResponse(route.directResponse, report.at("directResponse"));
  checkRetry(route.retries, report.at("retries"));
  checkRewrite(route.rewrite, report.at("rewrite"));
  checkAuthority(route, report);
  for (const [index, { headers }] of (route.route ?? []).entries())
    checkHeaders(headers, report.at("route", index, "headers"));
  checkDestinations(route.route ?? [], report.at("route"));
  checkDuration(route.timeout, report.at("timeout"));
}

/** What excludes what. That route, redirect and directResponse, or delegate, exclude each other is in the schema. */
function checkConflicts(route: HttpRoute, delegate: boolean, report: Report): void {
  if (route.delegate && !delegate) {
    const message = "answers whatever the delegate's rules match that have no directResponse, those that forward too";
    if (route.directResponse) report.at("directResponse").warning("inherited", message);
    return;
  }
  if (route.delegate) report.at("delegate").error("conflicting-fields", "a delegate must not delegate again");
  const answer = route.redirect ? "redirect" : route.directResponse ? "directResponse" : undefined;
  if (answer)
    for (const field of ["fault", "rewrite"] as const)
      if (route[field]) report.at(field).error("conflicting-fields", `${field} and ${answer} exclude each other`);
  if (!answer && !route.route?.length && !route.delegate)
    report.error("required", "one of route, redirect, directResponse is required");
  if (route.mirror && route.mirrors?.length)
    report.at("mirrors").error("conflicting-fields", "mirror and mirrors exclude each other");
}

const CORS_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "*",
]);

function checkCors(policy: CorsPolicy | undefined, report: Report): void {
  if (policy === undefined) return;
  for (const [index, origin] of (policy.allowOrigins ?? []).entries()) {
    const at = report.at("allowOrigins", index);
    if (!(origin.exact || origin.prefix || origin.regex)) at.error("required", "an origin must not be empty");
    else if (origin.regex) checkRegex(origin.regex, at.at("regex"));
  }
  for (const [index, method] of (policy.allowMethods ?? []).entries())
    if (!CORS_METHODS.has(method))
      report.at("allowMethods", index).error("unknown-value", `${JSON.stringify(method)} is not an HTTP method`);
  for (const field of ["allowHeaders", "exposeHeaders"] as const)
    for (const [index, name] of (policy[field] ?? []).entries())
      if (name !== "*" && !isHeaderName(name))
        report.at(field, index).error("invalid-header", `${JSON.stringify(name)} is not a valid header name`);
  checkDuration(policy.maxAge, report.at("maxAge"));
  if (policy.maxAge !== undefined && ((parseDuration(policy.maxAge) ?? 0) * 1e6) % 1e9 !== 0)
    report.at("maxAge").error("invalid-duration", "must be whole seconds");
}

function checkMirrors(route: HttpRoute, report: Report): void {
  if (route.mirrorPercent !== undefined) {
    const at = report.at("mirrorPercent");
    if (route.mirrorPercent > 100) at.error("out-of-range", "must be at most 100");
    at.warning("deprecated", "use mirrorPercentage");
  }
  const checkPercentage = (value: number, at: Report) => {
    if (value < 0 || value > 100) at.error("out-of-range", `must be from 0 to 100, is ${value}`);
  };
  checkPercentage(route.mirrorPercentage?.value ?? 0, report.at("mirrorPercentage", "value"));
  if (route.mirror) checkDestination(route.mirror, report.at("mirror"));
  for (const [index, { destination, percentage }] of (route.mirrors ?? []).entries()) {
    checkDestination(destination, report.at("mirrors", index, "destination"));
    checkPercentage(percentage?.value ?? 0, report.at("mirrors", index, "percentage", "value"));
  }
}

function checkRedirect(
  { redirect, match }: { redirect?: HttpRedirect; match?: HttpRoute["match"] },
  report: Report,
): void {
  if (redirect === undefined) return;
  const { uri, prefixRewrite, authority, scheme, redirectCode, port, derivePort } = redirect;
  if (uri && prefixRewrite) report.error("conflicting-fields", "uri and prefixRewrite exclude each other");
  if (prefixRewrite && match?.some((item) => item.uri && item.uri.prefix === undefined))
    report.at("prefixRewrite").error("conflicting-fields", "prefixRewrite needs prefix matches of the uri only");
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && derivePort === undefined)
    report.error("required", "one of uri, prefixRewrite, authority, scheme, port, derivePort is required");
  if (redirectCode && (redirectCode < 300 || redirectCode > 399))
    report.at("redirectCode").error("out-of-range", `must be from 300 to 399, is ${redirectCode}`);
  if (scheme && scheme !== "http" && scheme !== "https")
    report.at("scheme").error("unknown-value", "must be http or https");
  if (port) checkPort(port, report.at("port"));
}

const KIBIBYTE = 1024;

function checkDirectResponse(response: HttpDirectResponse | undefined, report: Report): void {
  if (response === undefined) return;
  const { status, body } = response;
  const size = body?.string !== undefined ? byteLength(body.string) : Math.floor(((body?.bytes?.length ?? 0) * 3) / 4);
  if (size > KIBIBYTE * KIBIBYTE) report.at("body").error("too-large", "must be at most 1 MiB");
  else if (size > 100 * KIBIBYTE) report.at("body").warning("large", "more than 100 KiB weigh on every proxy");
  if (status < 200 || status > 600) report.at("status").error("out-of-range", `must be from 200 to 599, is ${status}`);
}

function checkRewrite(rewrite: HttpRewrite | undefined, report: Report): void {
  if (rewrite === undefined) return;
  const { uri, uriRegexRewrite, authority } = rewrite;
  if (uri && uriRegexRewrite) report.error("conflicting-fields", "uri and uriRegexRewrite exclude each other");
  if (!uri && !uriRegexRewrite && !authority)
    report.error("required", "one of uri, uriRegexRewrite, authority is required");
  if (uriRegexRewrite === undefined) return;
  const at = report.at("uriRegexRewrite");
  if (!uriRegexRewrite.match || !uriRegexRewrite.rewrite) at.error("required", "match and rewrite are both required");
  else checkRegex(uriRegexRewrite.match, at.at("match"));
}

/** The authority can be rewritten in one place only. */
function checkAuthority({ rewrite, headers }: HttpRoute, report: Report): void {
  let current = rewrite?.authority ?? "";
  for (const operation of ["set", "add"] as const)
    for (const [name, value] of Object.entries(headers?.request?.[operation] ?? {})) {
      if (!isAuthorityHeader(name)) continue;
      if (current !== "")
        report
          .at("headers", "request", operation, name)
          .error("conflicting-fields", `the authority is already set to ${current}`);
      current = value;
    }
}
