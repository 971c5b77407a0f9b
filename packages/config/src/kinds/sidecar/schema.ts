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
export type IngressListener = Infer<typeof ingressListener>;

export const egressListener = message({
  port: sidecarPort,
  bind: text(),
  captureMode: choice("DEFAULT", "IPTABLES", "NONE"),
  hosts: required(list(text())),
});
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
export type Sidecar = Infer<typeof sidecar>;
