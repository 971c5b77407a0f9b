// Fields of sigs.k8s.io/gateway-api apis/v1 httproute_types.go. Limits and rules as in the CRD.
import { parseDuration } from "../../common/duration.ts";
import { choice, type Infer, int32, list, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { httpFilter, httpMethod, replacesPrefix, validateFilters } from "./http-filter.ts";
import { gatewayDuration, headerName, headerValue, hostname, sectionName } from "./names.ts";
import { weightedBackend } from "./references.ts";
import {
  commonRoute,
  sessionPersistence,
  validateBackend,
  validateParentRefs,
  validateRules,
  validateSessionPersistence,
} from "./route.ts";

const matchType = choice("Exact", "RegularExpression");

export const httpRouteMatch = message({
  path: message({ type: choice("Exact", "PathPrefix", "RegularExpression"), value: text({ max: 1024 }) }),
  headers: list(message({ type: matchType, name: required(headerName), value: required(headerValue) }), {
    max: 16,
    unique: "name",
  }),
  queryParams: list(
    message({ type: matchType, name: required(headerName), value: required(text({ min: 1, max: 1024 })) }),
    { max: 16, unique: "name" },
  ),
  method: httpMethod,
});
/** All of its conditions must hold. */
export type HttpRouteMatch = Infer<typeof httpRouteMatch>;

const httpBackend = message({ ...weightedBackend, filters: list(httpFilter, { max: 16 }) });

export const httpRule = message({
  name: sectionName,
  matches: list(httpRouteMatch, { max: 64 }),
  filters: list(httpFilter, { max: 16 }),
  backendRefs: list(httpBackend, { max: 16 }),
  timeouts: message({ request: gatewayDuration, backendRequest: gatewayDuration }),
  retry: message({
    codes: list(int32({ min: 400, max: 599 }), { distinct: true }),
    attempts: int32({ min: 1 }),
    backoff: gatewayDuration,
  }),
  sessionPersistence,
});
/** What is done with the requests that one of its matches takes. */
export type HttpRule = Infer<typeof httpRule>;

export const httpRouteResource = message({
  ...commonRoute,
  hostnames: list(hostname, { max: 16 }),
  rules: list(httpRule, { min: 1, max: 16 }),
});
/** HTTPRoute of the Gateway API. */
export type HttpRouteResource = Infer<typeof httpRouteResource>;

export function validateHttpRoute({ spec }: { readonly spec: HttpRouteResource }, report: Report): void {
  validateParentRefs(spec.parentRefs, report);
  validateRules(spec.rules, report);
  for (const [index, rule] of (spec.rules ?? []).entries()) validateRule(rule, report.at("rules", index));
}

function validateRule(rule: HttpRule, report: Report): void {
  const { matches, filters, backendRefs = [], timeouts } = rule;
  for (const [index, { path }] of (matches ?? []).entries())
    validatePath(path, report.at("matches", index, "path", "value"));
  validateFilters(filters, report.at("filters"));
  if (backendRefs.length > 0 && filters?.some(({ requestRedirect }) => requestRedirect !== undefined))
    report
      .at("backendRefs")
      .error("conflicting-fields", "a RequestRedirect filter must not be used together with backendRefs");
  // Without matches there is one, of the prefix `/`.
  const [first] = matches ?? [{}];
  const onePrefix = (matches ?? [{}]).length === 1 && (first?.path?.type ?? "PathPrefix") === "PathPrefix";
  const needsPrefix = (at: Report) =>
    at.error("invalid-match", "with replacePrefixMatch, the rule must have exactly one match, of a PathPrefix");
  if (!onePrefix && replacesPrefix(filters)) needsPrefix(report.at("filters"));
  backendRefs.forEach((backend, index) => {
    const at = report.at("backendRefs", index);
    validateBackend(backend, at);
    validateFilters(backend.filters, at.at("filters"));
    if (!onePrefix && replacesPrefix(backend.filters)) needsPrefix(at.at("filters"));
  });
  const request = parseDuration(timeouts?.request ?? "");
  const backendRequest = parseDuration(timeouts?.backendRequest ?? "");
  if (request && backendRequest !== undefined && backendRequest > request)
    report.at("timeouts", "backendRequest").error("out-of-range", "cannot be longer than the request timeout");
  validateSessionPersistence(rule.sessionPersistence, report.at("sessionPersistence"));
}

const PATH = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/;

function validatePath(path: HttpRouteMatch["path"], report: Report): void {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  if (type === "RegularExpression") return;
  const fault = (message: string) => report.error("invalid-path", `${message}, for type ${type}`);
  if (!value.startsWith("/")) fault("must be absolute and start with '/'");
  for (const part of ["//", "/./", "/../", "%2f", "%2F", "#"])
    if (value.includes(part)) fault(`must not contain '${part}'`);
  for (const end of ["/..", "/."]) if (value.endsWith(end)) fault(`must not end with '${end}'`);
  if (!PATH.test(value)) fault("must only contain valid characters of a path");
}
