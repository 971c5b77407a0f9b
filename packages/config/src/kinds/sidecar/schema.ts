// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, type Infer, list, message, required, text, uint32 } from "../../schema/message.ts";
import { connectionPool } from "../destination-rule/connection-pool.ts";
import { serverTls } from "../gateway/server-tls.ts";
import { destination } from "../shared/destination.ts";
import { sidecarWorkloadSelector } from "../shared/selector.ts";

export const sidecarPort = message({
  number: uint32(),
  protocol: text(),
  name: text(),
  /** @deprecated */
  targetPort: uint32(),
});
export type SidecarPort = Infer<typeof sidecarPort>;

export const ingressListener = message({
  port: required(sidecarPort),
  bind: text(),
  captureMode: choice("DEFAULT", "IPTABLES", "NONE"),
  defaultEndpoint: text(),
  tls: serverTls,
  connectionPool,
});
/** A port on which the sidecar takes traffic for the workload. */
export type IngressListener = Infer<typeof ingressListener>;

export const egressListener = message({
  port: sidecarPort,
  bind: text(),
  captureMode: choice("DEFAULT", "IPTABLES", "NONE"),
  hosts: required(list(text())),
});
/** What the workload can reach: hosts as `namespace/host`; without port it takes all that is left. */
export type EgressListener = Infer<typeof egressListener>;

export const sidecarOutboundPolicy = message({
  mode: choice("REGISTRY_ONLY", "ALLOW_ANY"),
  egressProxy: destination,
});
export type SidecarOutboundPolicy = Infer<typeof sidecarOutboundPolicy>;

export const sidecar = message({
  workloadSelector: sidecarWorkloadSelector,
  ingress: list(ingressListener),
  egress: list(egressListener),
  inboundConnectionPool: connectionPool,
  outboundTrafficPolicy: sidecarOutboundPolicy,
});
/** What the sidecars of chosen workloads (or of the namespace) listen on and can reach. */
export type Sidecar = Infer<typeof sidecar>;
