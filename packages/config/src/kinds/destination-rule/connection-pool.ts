// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import {
  anyDuration,
  choice,
  duration,
  flag,
  type Infer,
  int32,
  list,
  message,
  nullable,
  uint32,
} from "../../schema/message.ts";

export const tcpKeepalive = message({
  probes: uint32(),
  time: duration(),
  interval: duration(),
});
export type TcpKeepalive = Infer<typeof tcpKeepalive>;

export const tcpPool = message({
  maxConnections: int32(),
  connectTimeout: duration(),
  tcpKeepalive,
  maxConnectionDuration: duration(),
  idleTimeout: anyDuration(),
});
/** For TCP and HTTP. `connectTimeout` is 10s, `idleTimeout` 1h by default. */
export type TcpPool = Infer<typeof tcpPool>;

export const http2Keepalive = message({
  interval: duration(),
  timeout: duration(),
});
export type Http2Keepalive = Infer<typeof http2Keepalive>;

export const httpPool = message({
  http1MaxPendingRequests: int32(),
  http2MaxRequests: int32(),
  maxRequestsPerConnection: int32(),
  maxRetries: int32(),
  idleTimeout: duration(),
  h2UpgradePolicy: choice("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"),
  useClientProtocol: flag(),
  maxConcurrentStreams: int32(),
  http2KeepAlive: http2Keepalive,
});
/** For HTTP/1.1, HTTP/2 and gRPC. */
export type HttpPool = Infer<typeof httpPool>;

export const connectionPool = message({
  tcp: tcpPool,
  http: httpPool,
});
/** Limits on connections and requests to a host. */
export type ConnectionPool = Infer<typeof connectionPool>;

export const outlierDetection = message({
  /** @deprecated */
  consecutiveErrors: int32(),
  splitExternalLocalOriginErrors: flag(),
  consecutiveLocalOriginFailures: nullable(uint32()),
  consecutiveGatewayErrors: nullable(uint32()),
  consecutive5xxErrors: nullable(uint32()),
  interval: duration(),
  baseEjectionTime: duration(),
  maxEjectionPercent: int32(),
  minHealthPercent: int32(),
  outlierDetectionHttpErrorCodes: list(uint32({ min: 100, max: 599 })),
});
/** Sets endpoints that fail aside for a while. */
export type OutlierDetection = Infer<typeof outlierDetection>;
