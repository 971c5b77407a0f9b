// Fields of istio/api telemetry/v1alpha1. Limits as in the CRD.
import {
  choice,
  double,
  duration,
  flag,
  type Infer,
  list,
  map,
  message,
  nullable,
  required,
  text,
} from "../../schema/message.ts";
import { policyTargetReference, workloadSelector } from "../shared/selector.ts";

export const tracingSelector = message({
  mode: choice("CLIENT_AND_SERVER", "CLIENT", "SERVER"),
});
export type TracingSelector = Infer<typeof tracingSelector>;

export const providerRef = message({
  name: required(text({ min: 1 })),
});
export type ProviderRef = Infer<typeof providerRef>;

export const literalTag = message({
  value: required(text({ min: 1 })),
});
export type LiteralTag = Infer<typeof literalTag>;

export const environmentTag = message({
  name: required(text({ min: 1 })),
  defaultValue: text(),
});
export type EnvironmentTag = Infer<typeof environmentTag>;

export const headerTag = message({
  name: required(text({ min: 1 })),
  defaultValue: text(),
});
export type HeaderTag = Infer<typeof headerTag>;

export const formatterTag = message({
  value: required(text({ min: 1 })),
});
export type FormatterTag = Infer<typeof formatterTag>;

export const customTag = message(
  {
    literal: literalTag,
    environment: environmentTag,
    header: headerTag,
    formatter: formatterTag,
  },
  ["literal", "environment", "header", "formatter"],
);
export type CustomTag = Infer<typeof customTag>;

export const telemetryTracing = message({
  match: tracingSelector,
  providers: list(providerRef),
  randomSamplingPercentage: nullable(double({ min: 0, max: 100 })),
  disableSpanReporting: nullable(flag()),
  customTags: map(customTag),
  useRequestIdForTraceSampling: nullable(flag()),
  enableIstioTags: nullable(flag()),
  disableContextPropagation: nullable(flag()),
});
/** Traces: how many, with which tags. */
export type TelemetryTracing = Infer<typeof telemetryTracing>;

export const metricSelector = message(
  {
    metric: choice(
      "ALL_METRICS",
      "REQUEST_COUNT",
      "REQUEST_DURATION",
      "REQUEST_SIZE",
      "RESPONSE_SIZE",
      "TCP_OPENED_CONNECTIONS",
      "TCP_CLOSED_CONNECTIONS",
      "TCP_SENT_BYTES",
      "TCP_RECEIVED_BYTES",
      "GRPC_REQUEST_MESSAGES",
      "GRPC_RESPONSE_MESSAGES",
    ),
    customMetric: text({ min: 1 }),
    mode: choice("CLIENT_AND_SERVER", "CLIENT", "SERVER"),
  },
  ["metric", "customMetric"],
);
export type MetricSelector = Infer<typeof metricSelector>;

export const tagOverride = message({
  operation: choice("UPSERT", "REMOVE"),
  value: text(),
});
export type TagOverride = Infer<typeof tagOverride>;

export const metricsOverride = message({
  match: metricSelector,
  disabled: nullable(flag()),
  tagOverrides: map(tagOverride),
});
export type MetricsOverride = Infer<typeof metricsOverride>;

export const telemetryMetrics = message({
  providers: list(providerRef),
  overrides: list(metricsOverride),
  reportingInterval: duration(),
});
/** Metrics: which, with which tags. */
export type TelemetryMetrics = Infer<typeof telemetryMetrics>;

export const logSelector = message({
  mode: choice("CLIENT_AND_SERVER", "CLIENT", "SERVER"),
});
export type LogSelector = Infer<typeof logSelector>;

export const logFilter = message({
  expression: text(),
});
export type LogFilter = Infer<typeof logFilter>;

export const telemetryAccessLogging = message({
  match: logSelector,
  providers: list(providerRef),
  disabled: nullable(flag()),
  filter: logFilter,
});
/** Access logs: where, which requests (a CEL filter). */
export type TelemetryAccessLogging = Infer<typeof telemetryAccessLogging>;

export const telemetry = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference, { max: 16 }),
  tracing: list(telemetryTracing),
  metrics: list(telemetryMetrics),
  accessLogging: list(telemetryAccessLogging),
});
/** What is measured, logged and traced, and with which providers of the mesh. */
export type Telemetry = Infer<typeof telemetry>;
