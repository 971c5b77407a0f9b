// Fields of istio/api mesh/v1alpha1.
import {
  choice,
  double,
  flag,
  type Infer,
  int64,
  list,
  map,
  message,
  nullable,
  text,
  uint32,
} from "../../schema/message.ts";
import { clientTls } from "../destination-rule/client-tls.ts";

export const proxyZipkin = message({
  address: text(),
});
export type ProxyZipkin = Infer<typeof proxyZipkin>;

export const proxyLightstep = message({
  address: text(),
  accessToken: text(),
});
export type ProxyLightstep = Infer<typeof proxyLightstep>;

export const proxyDatadog = message({
  address: text(),
});
export type ProxyDatadog = Infer<typeof proxyDatadog>;

export const proxyStackdriver = message({
  debug: flag(),
  maxNumberOfAttributes: nullable(int64()),
  maxNumberOfAnnotations: nullable(int64()),
  maxNumberOfMessageEvents: nullable(int64()),
});
export type ProxyStackdriver = Infer<typeof proxyStackdriver>;

export const proxyOpenCensusAgent = message({
  address: text(),
  context: list(choice("UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3")),
});
export type ProxyOpenCensusAgent = Infer<typeof proxyOpenCensusAgent>;

export const proxyLiteralTag = message({
  value: text(),
});
export type ProxyLiteralTag = Infer<typeof proxyLiteralTag>;

export const proxyEnvironmentTag = message({
  name: text(),
  defaultValue: text(),
});
export type ProxyEnvironmentTag = Infer<typeof proxyEnvironmentTag>;

export const proxyHeaderTag = message({
  name: text(),
  defaultValue: text(),
});
export type ProxyHeaderTag = Infer<typeof proxyHeaderTag>;

export const proxyCustomTag = message(
  {
    literal: proxyLiteralTag,
    environment: proxyEnvironmentTag,
    header: proxyHeaderTag,
  },
  ["literal", "environment", "header"],
);
export type ProxyCustomTag = Infer<typeof proxyCustomTag>;

export const proxyTracing = message(
  {
    zipkin: proxyZipkin,
    lightstep: proxyLightstep,
    datadog: proxyDatadog,
    stackdriver: proxyStackdriver,
    openCensusAgent: proxyOpenCensusAgent,
    customTags: map(proxyCustomTag),
    maxPathTagLength: uint32(),
    sampling: double(),
    tlsSettings: clientTls,
    enableIstioTags: nullable(flag()),
  },
  ["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"],
);
export type ProxyTracing = Infer<typeof proxyTracing>;
