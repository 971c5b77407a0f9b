// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { type Infer, int32, list, map, message, required, text, uint32 } from "../../schema/message.ts";
import { workloadEntry } from "../workload-entry/schema.ts";

export const workloadGroupMetadata = message({
  labels: map(text(), { max: 256 }),
  annotations: map(text(), { max: 256 }),
});
export type WorkloadGroupMetadata = Infer<typeof workloadGroupMetadata>;

export const probeHeader = message({
  name: text({ pattern: /^[-_A-Za-z0-9]+$/ }),
  value: text(),
});
export type ProbeHeader = Infer<typeof probeHeader>;

export const httpProbe = message({
  path: text(),
  port: required(uint32({ min: 1, max: 65535 })),
  host: text(),
  scheme: text(),
  httpHeaders: list(probeHeader),
});
export type HttpProbe = Infer<typeof httpProbe>;

export const tcpProbe = message({
  host: text(),
  port: required(uint32({ min: 1, max: 65535 })),
});
export type TcpProbe = Infer<typeof tcpProbe>;

export const execProbe = message({
  command: required(list(text({ min: 1 }))),
});
export type ExecProbe = Infer<typeof execProbe>;

export const grpcProbe = message({
  port: uint32({ min: 1, max: 65535 }),
  service: text(),
});
export type GrpcProbe = Infer<typeof grpcProbe>;

export const readinessProbe = message(
  {
    initialDelaySeconds: int32({ min: 0 }),
    timeoutSeconds: int32({ min: 0 }),
    periodSeconds: int32({ min: 0 }),
    successThreshold: int32({ min: 0 }),
    failureThreshold: int32({ min: 0 }),
    httpGet: httpProbe,
    tcpSocket: tcpProbe,
    exec: execProbe,
    grpc: grpcProbe,
  },
  ["httpGet", "tcpSocket", "exec", "grpc"],
);
/** As that of a Kubernetes container; exactly one method. */
export type ReadinessProbe = Infer<typeof readinessProbe>;

export const workloadGroup = message({
  metadata: workloadGroupMetadata,
  template: required(workloadEntry),
  probe: readinessProbe,
});
/** A template for WorkloadEntries of workloads that register themselves, and how their health is found out. */
export type WorkloadGroup = Infer<typeof workloadGroup>;
