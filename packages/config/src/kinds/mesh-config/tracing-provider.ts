// Fields of istio/api mesh/v1alpha1.
import {
  anyDuration,
  choice,
  flag,
  type Infer,
  int32,
  int64,
  list,
  map,
  message,
  nullable,
  text,
  uint32,
} from "../../schema/message.ts";

export const providerHttpHeader = message(
  {
    name: text(),
    value: text(),
    envName: text(),
  },
  ["value", "envName"],
);
export type ProviderHttpHeader = Infer<typeof providerHttpHeader>;

export const zipkinTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
  enable64bitTraceId: flag(),
  path: text(),
  traceContextOption: choice("USE_B3", "USE_B3_WITH_W3C_PROPAGATION"),
  timeout: anyDuration(),
  headers: list(providerHttpHeader),
});
export type ZipkinTracingProvider = Infer<typeof zipkinTracingProvider>;

export const lightstepTracingProvider = message({
  service: text(),
  port: uint32(),
  accessToken: text(),
  maxTagLength: uint32(),
});
export type LightstepTracingProvider = Infer<typeof lightstepTracingProvider>;

export const datadogTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
});
export type DatadogTracingProvider = Infer<typeof datadogTracingProvider>;

export const stackdriverLogging = message({
  labels: map(text()),
});
export type StackdriverLogging = Infer<typeof stackdriverLogging>;

export const stackdriverProvider = message({
  /** @deprecated */
  debug: flag(),
  /** @deprecated */
  maxNumberOfAttributes: nullable(int64()),
  /** @deprecated */
  maxNumberOfAnnotations: nullable(int64()),
  /** @deprecated */
  maxNumberOfMessageEvents: nullable(int64()),
  maxTagLength: uint32(),
  logging: stackdriverLogging,
});
export type StackdriverProvider = Infer<typeof stackdriverProvider>;

export const openCensusAgentTracingProvider = message({
  service: text(),
  port: uint32(),
  context: list(choice("UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3")),
  maxTagLength: uint32(),
});
export type OpenCensusAgentTracingProvider = Infer<typeof openCensusAgentTracingProvider>;

export const skyWalkingTracingProvider = message({
  service: text(),
  port: uint32(),
  accessToken: text(),
});
export type SkyWalkingTracingProvider = Infer<typeof skyWalkingTracingProvider>;

export const providerHttpService = message({
  path: text(),
  timeout: anyDuration(),
  headers: list(providerHttpHeader),
});
export type ProviderHttpService = Infer<typeof providerHttpService>;

export const providerGrpcService = message({
  timeout: anyDuration(),
  initialMetadata: list(providerHttpHeader),
});
export type ProviderGrpcService = Infer<typeof providerGrpcService>;

export const environmentResourceDetector = message({});
export type EnvironmentResourceDetector = Infer<typeof environmentResourceDetector>;

export const dynatraceResourceDetector = message({});
export type DynatraceResourceDetector = Infer<typeof dynatraceResourceDetector>;

export const resourceDetectors = message({
  environment: environmentResourceDetector,
  dynatrace: dynatraceResourceDetector,
});
export type ResourceDetectors = Infer<typeof resourceDetectors>;

export const dynatraceApi = message({
  service: text(),
  port: uint32(),
  http: providerHttpService,
});
export type DynatraceApi = Infer<typeof dynatraceApi>;

export const dynatraceSampler = message({
  tenant: text(),
  clusterId: int32(),
  rootSpansPerMinute: uint32(),
  httpService: dynatraceApi,
});
export type DynatraceSampler = Infer<typeof dynatraceSampler>;

export const openTelemetryTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
  http: providerHttpService,
  grpc: providerGrpcService,
  resourceDetectors,
  serviceAttributeEnrichment: choice("ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS"),
  dynatraceSampler,
});
export type OpenTelemetryTracingProvider = Infer<typeof openTelemetryTracingProvider>;
