import { compliancePolicyOf, type MutualTlsMode, meshConfigOf, type Reader, trustDomainOf } from "@fairlead/mesh";
import type {
  CommonTlsContext,
  DownstreamTlsContext,
  SdsSecretConfig,
  StringMatcher,
  TransportSocket,
} from "../../proto/types.ts";
import { compliant } from "../compliance.ts";
import { SDS_CLUSTER } from "../names.ts";
import { typed } from "./typed.ts";

/** Names under which a proxy's agent serves the workload's own certificate and its trust bundle. */
export const WORKLOAD_CERTIFICATE = "default";
export const WORKLOAD_TRUST_BUNDLE = "ROOTCA";

/**
 * What listeners agree to speak inside TLS. Istio's offer `istio-peer-exchange` too, which this does not: who agrees on
 * it waits for metadata of the peer, which only Istio's own filters send.
 */
export const HTTP_ALPN: readonly string[] = ["h2", "http/1.1"];

const MESH_CIPHERS: readonly string[] = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
];

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

/** Every trust domain whose certificates are taken: the mesh's own, its aliases, those of further CA certificates. */
export function acceptedTrustDomains(read: Reader): readonly string[] {
  const { trustDomainAliases, caCertificates } = meshConfigOf(read);
  return [
    ...new Set([
      trustDomainOf(read),
      ...(trustDomainAliases ?? []),
      ...(caCertificates ?? []).flatMap((certificate) => [...(certificate.trustDomains ?? [])]),
    ]),
  ].filter(Boolean);
}

/** The TLS context of an inbound filter chain of the mesh; undefined where there is no mTLS. */
export function meshTlsContext(read: Reader, mode: MutualTlsMode): DownstreamTlsContext | undefined {
  if (mode === "DISABLE") return undefined;
  const { meshMTLS } = meshConfigOf(read);
  const matchSubjectAltNames: StringMatcher[] = acceptedTrustDomains(read).map((domain) => ({
    prefix: `spiffe://${domain}/`,
  }));
  const common: CommonTlsContext = {
    alpnProtocols: [...HTTP_ALPN],
    tlsParams: compliant(compliancePolicyOf(read), {
      cipherSuites: [...(meshMTLS?.cipherSuites ?? MESH_CIPHERS)],
      tlsMinimumProtocolVersion: meshMTLS?.minProtocolVersion === "TLSV1_3" ? "TLSv1_3" : "TLSv1_2",
      tlsMaximumProtocolVersion: "TLSv1_3",
    }),
    tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
    combinedValidationContext: {
      defaultValidationContext: { matchSubjectAltNames },
      validationContextSdsSecretConfig: agentSecret(WORKLOAD_TRUST_BUNDLE),
    },
  };
  return { commonTlsContext: common, requireClientCertificate: true };
}

export function tlsTransportSocket(context: DownstreamTlsContext | undefined): TransportSocket | undefined {
  return (
    context && {
      name: "envoy.transport_sockets.tls",
      typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", context),
    }
  );
}
