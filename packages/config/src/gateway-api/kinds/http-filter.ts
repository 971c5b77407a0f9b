// Filters of HTTPRoute and GRPCRoute. Fields of sigs.k8s.io/gateway-api apis/v1, rules as in the CRDs.
import { choice, flag, type Infer, int32, int64, list, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { headerName, headerValue, portNumber, preciseHostname } from "./names.ts";
import { backendObjectReference, localObjectReference } from "./references.ts";
import { validateBackend } from "./route.ts";

const headerList = list(message({ name: required(headerName), value: required(headerValue) }), {
  max: 16,
  unique: "name",
});

export const headerModifier = message({
  set: headerList,
  add: headerList,
  remove: list(text(), { max: 16, distinct: true }),
});
export type HeaderModifier = Infer<typeof headerModifier>;

export const pathModifier = message({
  type: required(choice("ReplaceFullPath", "ReplacePrefixMatch")),
  replaceFullPath: text({ max: 1024 }),
  replacePrefixMatch: text({ max: 1024 }),
});

export const requestRedirect = message({
  scheme: choice("http", "https"),
  hostname: preciseHostname,
  path: pathModifier,
  port: portNumber,
  statusCode: int32(),
});
export type RequestRedirect = Infer<typeof requestRedirect>;

export const requestMirror = message({
  backendRef: required(backendObjectReference),
  percent: int32({ min: 0, max: 100 }),
  fraction: message({ numerator: required(int32({ min: 0 })), denominator: int32({ min: 1 }) }),
});
export type RequestMirror = Infer<typeof requestMirror>;

export const urlRewrite = message({ hostname: preciseHostname, path: pathModifier });
export type UrlRewrite = Infer<typeof urlRewrite>;

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;
/** A method to match. */
export const httpMethod = choice(...METHODS);

export const cors = message({
  allowOrigins: list(
    text({
      min: 1,
      max: 253,
      pattern: /(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)/,
    }),
    { max: 64, distinct: true },
  ),
  allowCredentials: flag(),
  allowMethods: list(choice(...METHODS, "*"), { max: 9, distinct: true }),
  allowHeaders: list(headerName, { max: 64, distinct: true }),
  exposeHeaders: list(headerName, { max: 64, distinct: true }),
  maxAge: int32({ min: 1 }),
});
export type Cors = Infer<typeof cors>;

const headerNames = list(text(), { max: 64, distinct: true });
const externalAuth = message({
  protocol: required(choice("HTTP", "GRPC")),
  backendRef: required(backendObjectReference),
  grpc: message({ allowedHeaders: headerNames }),
  http: message({
    path: text({ max: 1024, pattern: /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/ }),
    allowedHeaders: headerNames,
    allowedResponseHeaders: headerNames,
  }),
  forwardBody: message({ maxSize: int64() }),
});

const shared = {
  requestHeaderModifier: headerModifier,
  responseHeaderModifier: headerModifier,
  requestMirror,
  extensionRef: localObjectReference,
} as const;

export const httpFilter = message({
  type: required(
    choice(
      "RequestHeaderModifier",
      "ResponseHeaderModifier",
      "RequestMirror",
      "RequestRedirect",
      "URLRewrite",
      "ExtensionRef",
      "CORS",
      "ExternalAuth",
    ),
  ),
  ...shared,
  requestRedirect,
  urlRewrite,
  cors,
  externalAuth,
});
/** What is done to a request or its response on the way. */
export type HttpFilter = Infer<typeof httpFilter>;

export const grpcFilter = message({
  type: required(choice("ResponseHeaderModifier", "RequestHeaderModifier", "RequestMirror", "ExtensionRef")),
  ...shared,
});
export type GrpcFilter = Infer<typeof grpcFilter>;

/** The field that belongs to a type of filter. */
const FIELD_OF = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
  ExternalAuth: "externalAuth",
} as const;

const REPEATABLE: ReadonlySet<string> = new Set(["RequestMirror", "ExtensionRef", "ExternalAuth"]);

export function validateFilters(filters: readonly (HttpFilter | GrpcFilter)[] | undefined, report: Report): void {
  const seen = new Set<string>();
  (filters ?? []).forEach((filter: HttpFilter, index) => {
    const at = report.at(index);
    for (const [type, field] of Object.entries(FIELD_OF)) {
      if (filter.type === type && filter[field] === undefined)
        at.at(field).error("required", `must be specified for filter type ${type}`);
      if (filter.type !== type && filter[field] !== undefined)
        at.at(field).error("conflicting-fields", `must not be specified for filter type ${filter.type}`);
    }
    if (seen.has(filter.type) && !REPEATABLE.has(filter.type))
      at.at("type").error("duplicate", `filter ${filter.type} cannot be repeated`);
    seen.add(filter.type);
    validatePathModifier(filter.requestRedirect?.path, at.at("requestRedirect", "path"));
    validatePathModifier(filter.urlRewrite?.path, at.at("urlRewrite", "path"));
    const status = filter.requestRedirect?.statusCode;
    if (status !== undefined && ![301, 302, 303, 307, 308].includes(status))
      at.at("requestRedirect", "statusCode").error("unknown-value", `${status} is not one of 301, 302, 303, 307, 308`);
    if (filter.requestMirror) validateMirror(filter.requestMirror, at.at("requestMirror"));
    if (filter.cors) validateCors(filter.cors, at.at("cors"));
    if (filter.externalAuth) {
      const { protocol, backendRef } = filter.externalAuth;
      const [own, other] = protocol === "GRPC" ? (["grpc", "http"] as const) : (["http", "grpc"] as const);
      if (filter.externalAuth[own] === undefined)
        at.at("externalAuth", own).error("required", `must be specified when protocol is ${protocol}`);
      if (filter.externalAuth[other] !== undefined)
        at.at("externalAuth", other).error("conflicting-fields", `must not be specified when protocol is ${protocol}`);
      if (backendRef) validateBackend(backendRef, at.at("externalAuth", "backendRef"));
    }
  });
  if (seen.has("RequestRedirect") && seen.has("URLRewrite"))
    report.error("conflicting-fields", "may have either a RequestRedirect or a URLRewrite filter, not both");
}

function validateMirror({ percent, fraction, backendRef }: RequestMirror, report: Report): void {
  if (percent !== undefined && fraction !== undefined)
    report.error("conflicting-fields", "only one of percent, fraction may be set, found percent and fraction");
  if (fraction && fraction.numerator > (fraction.denominator ?? 100))
    report.at("fraction").error("out-of-range", "numerator must be less than or equal to denominator");
  if (backendRef) validateBackend(backendRef, report.at("backendRef"));
}

function validateCors(policy: Cors, report: Report): void {
  for (const field of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
    const values: readonly string[] = policy[field] ?? [];
    if (values.includes("*") && values.length > 1)
      report.at(field).error("conflicting-values", "cannot contain '*' alongside other values");
  }
}

function validatePathModifier(path: Infer<typeof pathModifier> | undefined, report: Report): void {
  if (!path) return;
  for (const [type, field] of [
    ["ReplaceFullPath", "replaceFullPath"],
    ["ReplacePrefixMatch", "replacePrefixMatch"],
  ] as const) {
    if (path.type === type && path[field] === undefined)
      report.at(field).error("required", `must be specified when type is ${type}`);
    if (path.type !== type && path[field] !== undefined)
      report.at(field).error("conflicting-fields", `must not be specified when type is ${path.type}`);
  }
}

/** Whether one of the filters replaces the part of the path that a prefix matched. */
export function replacesPrefix(filters: readonly HttpFilter[] | undefined): boolean {
  return (filters ?? []).some(({ requestRedirect: redirect, urlRewrite: rewrite }) =>
    [redirect?.path, rewrite?.path].some((path) => path?.replacePrefixMatch !== undefined),
  );
}
