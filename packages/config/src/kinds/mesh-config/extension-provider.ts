// Fields of istio/api mesh/v1alpha1.
import { anyDuration, flag, type Infer, list, map, message, struct, text, uint32 } from "../../schema/message.ts";
import {
  datadogTracingProvider,
  lightstepTracingProvider,
  openCensusAgentTracingProvider,
  openTelemetryTracingProvider,
  skyWalkingTracingProvider,
  stackdriverProvider,
  zipkinTracingProvider,
} from "./tracing-provider.ts";

export const extAuthzRequestBody = message({
  maxRequestBytes: uint32(),
  allowPartialMessage: flag(),
  packAsBytes: flag(),
});
export type ExtAuthzRequestBody = Infer<typeof extAuthzRequestBody>;

export const extAuthzHttpProvider = message({
  service: text(),
  port: uint32(),
  timeout: anyDuration(),
  pathPrefix: text(),
  failOpen: flag(),
  clearRouteCache: flag(),
  statusOnError: text(),
  /** @deprecated */
  includeHeadersInCheck: list(text()),
  includeRequestHeadersInCheck: list(text()),
  includeAdditionalHeadersInCheck: map(text()),
  includeRequestBodyInCheck: extAuthzRequestBody,
  headersToUpstreamOnAllow: list(text()),
  headersToDownstreamOnDeny: list(text()),
  headersToDownstreamOnAllow: list(text()),
});
export type ExtAuthzHttpProvider = Infer<typeof extAuthzHttpProvider>;

export const extAuthzGrpcProvider = message({
  service: text(),
  port: uint32(),
  timeout: anyDuration(),
  failOpen: flag(),
  clearRouteCache: flag(),
  statusOnError: text(),
  includeRequestBodyInCheck: extAuthzRequestBody,
});
export type ExtAuthzGrpcProvider = Infer<typeof extAuthzGrpcProvider>;

export const prometheusMetricsProvider = message({});
export type PrometheusMetricsProvider = Infer<typeof prometheusMetricsProvider>;

export const fileLogFormat = message(
  {
    text: text(),
    labels: struct(),
  },
  ["text", "labels"],
);
export type FileLogFormat = Infer<typeof fileLogFormat>;

export const envoyFileAccessLogProvider = message({
  path: text(),
  logFormat: fileLogFormat,
  omitEmptyValues: flag(),
});
export type EnvoyFileAccessLogProvider = Infer<typeof envoyFileAccessLogProvider>;

export const envoyHttpGrpcV3LogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  filterStateObjectsToLog: list(text()),
  additionalRequestHeadersToLog: list(text()),
  additionalResponseHeadersToLog: list(text()),
  additionalResponseTrailersToLog: list(text()),
});
export type EnvoyHttpGrpcV3LogProvider = Infer<typeof envoyHttpGrpcV3LogProvider>;

export const envoyTcpGrpcV3LogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  filterStateObjectsToLog: list(text()),
});
export type EnvoyTcpGrpcV3LogProvider = Infer<typeof envoyTcpGrpcV3LogProvider>;

export const openTelemetryLogFormat = message({
  text: text(),
  labels: struct(),
});
export type OpenTelemetryLogFormat = Infer<typeof openTelemetryLogFormat>;

export const envoyOpenTelemetryLogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  logFormat: openTelemetryLogFormat,
});
export type EnvoyOpenTelemetryLogProvider = Infer<typeof envoyOpenTelemetryLogProvider>;

export const sDSProvider = message({
  name: text(),
  service: text(),
  port: uint32(),
});
export type SDSProvider = Infer<typeof sDSProvider>;

export const extensionProvider = message(
  {
    name: text(),
    envoyExtAuthzHttp: extAuthzHttpProvider,
    envoyExtAuthzGrpc: extAuthzGrpcProvider,
    zipkin: zipkinTracingProvider,
    /** @deprecated */
    lightstep: lightstepTracingProvider,
    datadog: datadogTracingProvider,
    stackdriver: stackdriverProvider,
    /** @deprecated */
    opencensus: openCensusAgentTracingProvider,
    skywalking: skyWalkingTracingProvider,
    opentelemetry: openTelemetryTracingProvider,
    prometheus: prometheusMetricsProvider,
    envoyFileAccessLog: envoyFileAccessLogProvider,
    envoyHttpAls: envoyHttpGrpcV3LogProvider,
    envoyTcpAls: envoyTcpGrpcV3LogProvider,
    envoyOtelAls: envoyOpenTelemetryLogProvider,
    sds: sDSProvider,
  },
  [
    "envoyExtAuthzHttp",
    "envoyExtAuthzGrpc",
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "opencensus",
    "skywalking",
    "opentelemetry",
    "prometheus",
    "envoyFileAccessLog",
    "envoyHttpAls",
    "envoyTcpAls",
    "envoyOtelAls",
    "sds",
  ],
);
/** A named service that Telemetry and AuthorizationPolicy refer to. */
export type ExtensionProvider = Infer<typeof extensionProvider>;
