// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
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
/** Settings for one port. They replace all of the level above, nothing is inherited. */
export type PortTrafficPolicy = Infer<typeof portTrafficPolicy>;

export const tunnelSettings = message({
  protocol: text(),
  targetHost: required(text()),
  targetPort: required(uint32()),
});
/** Forwards TCP through an HTTP tunnel. */
export type TunnelSettings = Infer<typeof tunnelSettings>;

export const upstreamProxyProtocol = message({
  version: choice("V1", "V2"),
});
/** Sends a PROXY protocol header first. */
export type UpstreamProxyProtocol = Infer<typeof upstreamProxyProtocol>;

export const retryBudget = message({
  percent: nullable(double({ min: 0, max: 100 })),
  minRetryConcurrency: uint32(),
  budgetInterval: anyDuration(),
});
/** How many retries may be under way, as a share of requests. */
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
/** Settings for a host or a subset. A field set for the subset replaces that of the host. */
export type TrafficPolicy = Infer<typeof trafficPolicy>;

export const subset = message({
  name: required(text()),
  labels: map(text()),
  trafficPolicy,
});
/** Endpoints of a host by labels, with a traffic policy of their own. */
export type Subset = Infer<typeof subset>;

export const destinationRule = message({
  host: required(text()),
  trafficPolicy,
  subsets: list(subset),
  exportTo: list(text()),
  workloadSelector,
});
/** What holds for traffic to a host after routing: load balancing, connections, TLS, and its subsets. */
export type DestinationRule = Infer<typeof destinationRule>;
