import type { SdsSecretConfig } from "../proto/types.ts";
import { SDS_CLUSTER } from "./names.ts";

/** Names under which a proxy's agent serves the workload's own certificate and its trust bundle. */
export const WORKLOAD_CERTIFICATE = "default";
export const WORKLOAD_TRUST_BUNDLE = "ROOTCA";

/** A secret that the agent beside the proxy serves, over the bootstrap's static cluster. */
export function agentSecret(name: string): SdsSecretConfig {
  return {
    name,
    sdsConfig: {
      apiConfigSource: {
        apiType: "GRPC",
        grpcServices: [{ envoyGrpc: { clusterName: SDS_CLUSTER } }],
        setNodeOnFirstMessageOnly: true,
        transportApiVersion: "V3",
      },
      // Zero: a listener waits for its certificate for as long as it takes.
      initialFetchTimeout: "0s",
      resourceApiVersion: "V3",
    },
  };
}
