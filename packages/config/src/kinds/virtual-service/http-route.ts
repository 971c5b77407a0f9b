import {
  alsoNamed,
  bytes,
  choice,
  double,
  duration,
  flag,
  type Infer,
  int32,
  list,
  map,
  message,
  nullable,
  required,
  text,
  uint32,
} from "../../schema/message.ts";
import { destination } from "../shared/destination.ts";
import { httpMatch, stringMatch } from "./http-match.ts";

export const headerOperations = message({
  set: map(text()),
  add: map(text()),
  remove: list(text()),
});
export type HeaderOperations = Infer<typeof headerOperations>;

export const headers = message({
  request: headerOperations,
  response: headerOperations,
});
export type Headers = Infer<typeof headers>;

export const httpRouteDestination = message({
  destination: required(destination),
  weight: int32(),
  headers,
});
export type HttpRouteDestination = Infer<typeof httpRouteDestination>;

export const httpRedirect = message(
  {
    uri: text(),
    authority: text(),
    port: uint32(),
    derivePort: choice("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"),
    scheme: text(),
    redirectCode: uint32(),
    prefixRewrite: text(),
  },
  ["port", "derivePort"],
);
export type HttpRedirect = Infer<typeof httpRedirect>;

export const httpBody = message(
  {
    string: text(),
    bytes: bytes(),
  },
  ["string", "bytes"],
);
export type HttpBody = Infer<typeof httpBody>;

export const httpDirectResponse = message({
  status: required(uint32()),
  body: httpBody,
});
export type HttpDirectResponse = Infer<typeof httpDirectResponse>;

export const httpDelegate = message({
  name: text(),
  namespace: text(),
});
export type HttpDelegate = Infer<typeof httpDelegate>;

export const regexRewrite = message({
  match: text(),
  rewrite: text(),
});
export type RegexRewrite = Infer<typeof regexRewrite>;

export const httpRewrite = message({
  uri: text(),
  authority: text(),
  uriRegexRewrite: regexRewrite,
});
export type HttpRewrite = Infer<typeof httpRewrite>;

export const httpRetry = message({
  attempts: int32(),
  perTryTimeout: duration(),
  retryOn: text(),
  retryRemoteLocalities: nullable(flag()),
  retryIgnorePreviousHosts: nullable(flag()),
  backoff: duration(),
});
export type HttpRetry = Infer<typeof httpRetry>;

export const percent = message({
  value: double(),
});
export type Percent = Infer<typeof percent>;

export const httpFaultDelay = message(
  {
    /** @deprecated */
    percent: int32(),
    fixedDelay: duration(),
    exponentialDelay: duration(),
    percentage: percent,
  },
  ["fixedDelay", "exponentialDelay"],
);
export type HttpFaultDelay = Infer<typeof httpFaultDelay>;

export const httpFaultAbort = message(
  {
    httpStatus: int32(),
    grpcStatus: text(),
    http2Error: text(),
    percentage: percent,
  },
  ["httpStatus", "grpcStatus", "http2Error"],
);
export type HttpFaultAbort = Infer<typeof httpFaultAbort>;

export const httpFault = message({
  delay: httpFaultDelay,
  abort: httpFaultAbort,
});
export type HttpFault = Infer<typeof httpFault>;

export const httpMirror = message({
  destination: required(destination),
  percentage: percent,
});
export type HttpMirror = Infer<typeof httpMirror>;

export const corsPolicy = message({
  /** @deprecated */
  allowOrigin: list(text()),
  allowOrigins: list(stringMatch),
  allowMethods: list(text()),
  allowHeaders: list(text()),
  exposeHeaders: list(text()),
  maxAge: duration(),
  allowCredentials: nullable(flag()),
  unmatchedPreflights: choice("UNSPECIFIED", "FORWARD", "IGNORE"),
});
export type CorsPolicy = Infer<typeof corsPolicy>;

export const httpRoute = message(
  {
    name: text(),
    match: list(httpMatch),
    route: list(httpRouteDestination),
    redirect: httpRedirect,
    directResponse: httpDirectResponse,
    delegate: httpDelegate,
    rewrite: httpRewrite,
    timeout: duration(),
    retries: httpRetry,
    fault: httpFault,
    mirror: destination,
    mirrors: list(httpMirror),
    /** @deprecated */
    mirrorPercent: alsoNamed("mirror_percent", nullable(uint32())),
    mirrorPercentage: percent,
    corsPolicy,
    headers,
  },
  ["route", "redirect", "directResponse", "delegate"],
);
export type HttpRoute = Infer<typeof httpRoute>;
