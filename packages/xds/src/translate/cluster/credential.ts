import type { SdsSecretConfig } from "../../proto/types.ts";
import { agentSecret } from "../agent-secret.ts";
import { SDS_CLUSTER } from "../names.ts";

/** Cluster of an agent's second socket, for credentials that it fetches itself. */
export const EXTERNAL_SDS_CLUSTER = "sds-external";
const FILE_SDS_CLUSTER = "sds-files-grpc";

function overGrpc(name: string, cluster: string): SdsSecretConfig {
  return {
    name,
    sdsConfig: {
      apiConfigSource: {
        apiType: "GRPC",
        grpcServices: [{ envoyGrpc: { clusterName: cluster } }],
        setNodeOnFirstMessageOnly: true,
        transportApiVersion: "V3",
      },
      resourceApiVersion: "V3",
    },
  };
}

/** Files of the proxy's own disk, by the names under which its agent serves them. */
export function fileSecret(name: string, fileSocket: boolean): SdsSecretConfig {
  return overGrpc(name, fileSocket ? FILE_SDS_CLUSTER : SDS_CLUSTER);
}

/**
 * A credential by name: the proxy's own certificate (`builtin://`), what its agent fetches (`sds://`), else a secret of the
 * cluster over ADS. Unlike workload certificates these may be missing, and nothing waits for them.
 */
export function credentialSecret(name: string, socket: boolean): SdsSecretConfig {
  if (name === "builtin://") return agentSecret("default");
  if (name === "builtin://-cacert") return agentSecret("ROOTCA");
  if (name.startsWith("sds://") && socket) return overGrpc(name, EXTERNAL_SDS_CLUSTER);
  const plain = name.startsWith("sds://") ? name.slice("sds://".length) : name;
  return {
    name: /^[a-z-]+:\/\//.test(plain) ? plain : `kubernetes://${plain}`,
    sdsConfig: { ads: {}, resourceApiVersion: "V3" },
  };
}
