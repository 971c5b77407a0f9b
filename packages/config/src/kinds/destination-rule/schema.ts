import {
  anyDuration,
  choice,
  double,
  type Infer,
  list,
  map,
  message,
  nullable,
  required,
  text,
  uint32,
} from "../../schema/message.ts";
import { portSelector } from "../shared/destination.ts";
import { workloadSelector } from "../shared/selector.ts";
import { clientTls } from "./client-tls.ts";
import { connectionPool, outlierDetection } from "./connection-pool.ts";
import { loadBalancer } from "./load-balancer.ts";

export const portTrafficPolicy = message({
  port: portSelector,
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
});
export type PortTrafficPolicy = Infer<typeof portTrafficPolicy>;

export const tunnelSettings = message({
  protocol: text(),
  targetHost: required(text()),
  targetPort: required(uint32()),
});
export type TunnelSettings = Infer<typeof tunnelSettings>;

export const upstreamProxyProtocol = message({
  version: choice("V1", "V2"),
});
export type UpstreamProxyProtocol = Infer<typeof upstreamProxyProtocol>;

export const retryBudget = message({
  percent: nullable(double({ min: 0, max: 100 })),
  minRetryConcurrency: uint32(),
  budgetInterval: anyDuration(),
});
export type RetryBudget = Infer<typeof retryBudget>;

export const trafficPolicy = message({
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
  portLevelSettings: list(portTrafficPolicy, { max: 4096 }),
  tunnel: tunnelSettings,
  proxyProtocol: upstreamProxyProtocol,
  retryBudget,
});
export type TrafficPolicy = Infer<typeof trafficPolicy>;

export const subset = message({
  name: required(text()),
  labels: map(text()),
  trafficPolicy,
});
export type Subset = Infer<typeof subset>;

export const destinationRule = message({
  host: required(text()),
  trafficPolicy,
  subsets: list(subset),
  exportTo: list(text()),
  workloadSelector,
});
export type DestinationRule = Infer<typeof destinationRule>;
