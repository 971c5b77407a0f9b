// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
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
/** `set` replaces, `add` appends, `remove` deletes. */
export type HeaderOperations = Infer<typeof headerOperations>;

export const headers = message({
  request: headerOperations,
  response: headerOperations,
});
/** Changes to headers, of requests and of responses. */
export type Headers = Infer<typeof headers>;

export const httpRouteDestination = message({
  destination: required(destination),
  weight: int32(),
  headers,
});
/** A destination with its share of requests; weights are relative, one destination alone needs none. */
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
/** Answers with a redirect (301 by default) instead of forwarding. */
export type HttpRedirect = Infer<typeof httpRedirect>;

export const httpBody = message(
  {
    string: text(),
    bytes: bytes(),
  },
  ["string", "bytes"],
);
/** A body as text or as base64. */
export type HttpBody = Infer<typeof httpBody>;

export const httpDirectResponse = message({
  status: required(uint32()),
  body: httpBody,
});
/** Answers with a status and a body instead of forwarding. */
export type HttpDirectResponse = Infer<typeof httpDirectResponse>;

export const httpDelegate = message({
  name: text(),
  namespace: text(),
});
/** Another VirtualService that holds the rules of this prefix. */
export type HttpDelegate = Infer<typeof httpDelegate>;

export const regexRewrite = message({
  match: text(),
  rewrite: text(),
});
/** RE2 with `\\1` for groups. */
export type RegexRewrite = Infer<typeof regexRewrite>;

export const httpRewrite = message({
  uri: text(),
  authority: text(),
  uriRegexRewrite: regexRewrite,
});
/** Changes path and authority before forwarding. */
export type HttpRewrite = Infer<typeof httpRewrite>;

export const httpRetry = message({
  attempts: int32(),
  perTryTimeout: duration(),
  retryOn: text(),
  retryRemoteLocalities: nullable(flag()),
  retryIgnorePreviousHosts: nullable(flag()),
  backoff: duration(),
});
/** How failed requests are tried again; 0 attempts switch retries off. Default: 2 attempts. */
export type HttpRetry = Infer<typeof httpRetry>;

export const percent = message({
  value: double(),
});
/** 0 to 100, in steps of 0.0001. */
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
/** Holds requests back. */
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
/** Answers requests with an error. */
export type HttpFaultAbort = Infer<typeof httpFaultAbort>;

export const httpFault = message({
  delay: httpFaultDelay,
  abort: httpFaultAbort,
});
/** Delays and errors made on purpose. */
export type HttpFault = Infer<typeof httpFault>;

export const httpMirror = message({
  destination: required(destination),
  percentage: percent,
});
/** Sends a copy of requests to a second destination and ignores its answers. */
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
/** Which origins browsers may call from (CORS). */
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
  ["route", "redirect", "directResponse"],
  // A directResponse beside it is what the delegate's rules answer that have none of their own.
  ["route", "redirect", "delegate"],
);
/** A rule for HTTP requests. Of route, redirect, directResponse and delegate there is one; a delegate may inherit a directResponse. */
export type HttpRoute = Infer<typeof httpRoute>;
