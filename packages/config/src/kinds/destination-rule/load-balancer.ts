// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import {
  anyDuration,
  choice,
  double,
  duration,
  flag,
  type Infer,
  list,
  message,
  nullable,
  required,
  text,
  uint32,
  uint64,
} from "../../schema/message.ts";
import { localityLoadBalancer, zoneAwareLoadBalancer } from "./locality.ts";

export const hashCookieAttribute = message({
  name: required(text()),
  value: text(),
});
export type HashCookieAttribute = Infer<typeof hashCookieAttribute>;

export const hashCookie = message({
  name: required(text()),
  path: text(),
  ttl: anyDuration(),
  attributes: list(hashCookieAttribute),
});
/** The cookie that is the key; made when it is missing and `ttl` is set. */
export type HashCookie = Infer<typeof hashCookie>;

export const ringHash = message({
  minimumRingSize: uint64(),
});
export type RingHash = Infer<typeof ringHash>;

export const maglev = message({
  tableSize: uint64(),
});
export type Maglev = Infer<typeof maglev>;

export const consistentHash = message(
  {
    httpHeaderName: text(),
    httpCookie: hashCookie,
    useSourceIp: flag(),
    httpQueryParameterName: text(),
    ringHash,
    maglev,
    /** @deprecated */
    minimumRingSize: uint64(),
  },
  ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"],
  ["ringHash", "maglev"],
);
/** Keeps requests with an equal key on one endpoint. */
export type ConsistentHash = Infer<typeof consistentHash>;

export const warmupConfiguration = message({
  duration: required(duration()),
  minimumPercent: nullable(double({ min: 0, max: 100 })),
  aggression: nullable(double({ min: 0 })),
});
/** Lets new endpoints take their full share slowly. */
export type WarmupConfiguration = Infer<typeof warmupConfiguration>;

export const backendUtilization = message({
  weightStabilizationPeriod: anyDuration(),
  weightExpirationPeriod: anyDuration(),
  weightUpdatePeriod: anyDuration(),
  errorUtilizationPenaltyPercent: nullable(uint32()),
  metricNamesForComputingUtilization: list(text()),
});
/** Weights by the load that endpoints report (ORCA). */
export type BackendUtilization = Infer<typeof backendUtilization>;

export const loadBalancer = message(
  {
    simple: choice("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"),
    consistentHash,
    backendUtilization,
    localityLbSetting: localityLoadBalancer,
    zoneAwareLbSetting: zoneAwareLoadBalancer,
    /** @deprecated */
    warmupDurationSecs: duration(),
    warmup: warmupConfiguration,
  },
  ["simple", "consistentHash", "backendUtilization"],
);
/** How an endpoint is chosen. Default: LEAST_REQUEST. */
export type LoadBalancer = Infer<typeof loadBalancer>;
