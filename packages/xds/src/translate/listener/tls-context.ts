import { compliancePolicyOf, meshConfigOf, type Query, type Reader, trustDomainOf } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type {
  CommonTlsContext,
  DownstreamTlsContext,
  SdsSecretConfig,
  StringMatcher,
  TransportSocket,
} from "../../proto/types.ts";
import { agentSecret, WORKLOAD_CERTIFICATE, WORKLOAD_TRUST_BUNDLE } from "../agent-secret.ts";
import { fileSecret } from "../cluster/credential.ts";
import { compliant } from "../compliance.ts";
import { metadataFlag } from "./node-settings.ts";
import { typed } from "./typed.ts";

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

/**
 * The proxy's own certificate and what it verifies its peers with: of files that it was started with (`TLS_SERVER_…` of its
 * metadata), which the agent serves, else the agent's. Source: Istio `ApplyToCommonTLSContext`.
 */
export function workloadSecrets(read: Reader): {
  readonly certificate: SdsSecretConfig;
  readonly roots: SdsSecretConfig;
} {
  const [chain = "", key = "", roots = ""] = read
    .fact("server certificate files", ({ metadata }) =>
      [metadata.TLS_SERVER_CERT_CHAIN, metadata.TLS_SERVER_KEY, metadata.TLS_SERVER_ROOT_CERT]
        .map((path) => (typeof path === "string" ? path : ""))
        .join("\n"),
    )
    .split("\n");
  const socket = metadataFlag(read, "file-credential");
  return {
    certificate: chain && key ? fileSecret(`file-cert:${chain}~${key}`, socket) : agentSecret(WORKLOAD_CERTIFICATE),
    roots: roots ? fileSecret(`file-root:${roots}`, socket) : agentSecret(WORKLOAD_TRUST_BUNDLE),
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

/** One for all chains of a node. */
const meshSocket: Query<void, TransportSocket> = {
  name: "mesh-transport-socket",
  key: () => "",
  compute: (read) => shared(tlsTransportSocket(meshTlsContext(read))),
};

/** How an inbound filter chain ends the TLS of the mesh. */
export function meshTransportSocket(read: Reader): TransportSocket {
  return read.ask(meshSocket, undefined);
}

/** The TLS context of such a chain. */
export function meshTlsContext(read: Reader): DownstreamTlsContext {
  const { meshMTLS } = meshConfigOf(read);
  const secrets = workloadSecrets(read);
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
    tlsCertificateSdsSecretConfigs: [secrets.certificate],
    combinedValidationContext: {
      defaultValidationContext: { matchSubjectAltNames },
      validationContextSdsSecretConfig: secrets.roots,
    },
  };
  return { commonTlsContext: common, requireClientCertificate: true };
}

export function tlsTransportSocket(context: DownstreamTlsContext): TransportSocket {
  return {
    name: "envoy.transport_sockets.tls",
    typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", context),
  };
}
