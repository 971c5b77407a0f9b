import type { SecretSource } from "@fairlead/model";
import { SECRET_NAMES } from "../agent/agent.ts";
import type { UpstreamAuthority } from "../authority/upstream.ts";
import { type GrpcCaClientOptions, grpcCaClient } from "./client.ts";

export interface CertificateServiceUpstreamOptions extends GrpcCaClientOptions {
  /** The certificate to authenticate with from the first renewal on, such as an agent's. Without it `token` must do each time. */
  readonly identity?: SecretSource;
}

/** Metadata by which the certificate service is asked for the certificate of a subordinate authority. */
export const SUBORDINATE_PROFILE = { CertificateProfile: "subordinate-ca" } as const;

/**
 * Another Fairlead authority as upstream, over its certificate service (Istio's `CreateCertificate`): it must have a rule
 * `subordinates` that lets this caller.
 */
export function certificateServiceUpstream(options: CertificateServiceUpstreamOptions): UpstreamAuthority {
  const client = grpcCaClient({ ...options, metadata: { ...options.metadata, ...SUBORDINATE_PROFILE } });
  return {
    name: options.address,
    mint({ csr, ttlSeconds, roots, signal }) {
      const own = options.identity?.get(SECRET_NAMES.certificate);
      return client.sign({ csr, ttlSeconds, current: own?.kind === "key-pair" ? own : undefined, roots, signal });
    },
    close: () => client.close(),
  };
}
