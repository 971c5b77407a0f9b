import type { ClientTls, MeshConfig } from "@fairlead/config";
import type { CompliancePolicy } from "@fairlead/mesh";
import type {
  CertificateValidationContext,
  CommonTlsContext,
  SdsSecretConfig,
  UpstreamTlsContext,
} from "../../proto/types.ts";
import { agentSecret, WORKLOAD_CERTIFICATE, WORKLOAD_TRUST_BUNDLE } from "../agent-secret.ts";
import { compliant } from "../compliance.ts";
import { credentialSecret, fileSecret } from "./credential.ts";

/** Shared: nobody changes them. */
const OWN_CERTIFICATE: readonly SdsSecretConfig[] = [agentSecret(WORKLOAD_CERTIFICATE)];
const MESH_ROOTS = agentSecret(WORKLOAD_TRUST_BUNDLE);
const PARAMETERS = { tlsMaximumProtocolVersion: "TLSv1_3", tlsMinimumProtocolVersion: "TLSv1_2" } as const;

export interface ContextInput {
  readonly settings: ClientTls;
  readonly clusterName: string;
  /** `http`, `http2` or `tcp`: what the port speaks, which says what is offered. */
  readonly content: "http" | "http2" | "tcp";
  /** Names to expect where the settings list none: those of a ServiceEntry. */
  readonly serviceNames: readonly string[];
  /** Whether names are left to Envoy: the dynamic forward proxy takes them from the request. */
  readonly dynamic: boolean;
  readonly tlsDefaults: MeshConfig["tlsDefaults"];
  readonly compliance: CompliancePolicy | undefined;
  /** Whether the proxy's agent serves credentials of its own over a socket, and files. */
  readonly credentialSocket: boolean;
  readonly fileSocket: boolean;
}

/**
 * What proxies of the mesh offer each other. The `istio-` protocols are what inbound filter chains match on, and are
 * never negotiated. Istio has its `istio.alpn` filter choose among them by request; stock Envoy does not have it, so a
 * declared HTTP port offers its own from the cluster, and an undeclared one is taken for TCP.
 * `istio-peer-exchange` is not offered: who negotiates it waits for a metadata exchange that stock Envoy does not do.
 */
const MESH_ALPN = {
  http: ["istio-http/1.1", "istio", "http/1.1"],
  http2: ["istio-h2", "istio", "h2"],
  tcp: ["istio"],
} as const;

export function upstreamTlsContext(input: ContextInput): UpstreamTlsContext | undefined {
  switch (input.settings.mode) {
    case "ISTIO_MUTUAL":
      return meshContext(input);
    case "SIMPLE":
    case "MUTUAL":
      return userContext(input);
    default:
      return undefined;
  }
}

function meshContext({ settings, clusterName, content, dynamic, compliance }: ContextInput): UpstreamTlsContext {
  const sni = settings.sni || (dynamic ? "" : clusterName);
  return {
    commonTlsContext: {
      alpnProtocols: [...MESH_ALPN[content]],
      combinedValidationContext: {
        defaultValidationContext: exactNames(settings.subjectAltNames),
        validationContextSdsSecretConfig: MESH_ROOTS,
      },
      tlsCertificateSdsSecretConfigs: OWN_CERTIFICATE as SdsSecretConfig[],
      tlsParams: compliant(compliance, PARAMETERS),
    },
    ...(sni ? { sni } : {}),
  };
}

function userContext(input: ContextInput): UpstreamTlsContext {
  const { settings, content, tlsDefaults } = input;
  const names =
    settings.subjectAltNames && settings.subjectAltNames.length > 0 ? settings.subjectAltNames : input.serviceNames;
  const common: CommonTlsContext = {
    ...(content === "http2" ? { alpnProtocols: ["h2"] } : {}),
    ...(settings.credentialName ? fromCredential(input, names) : fromFiles(input, names)),
    tlsParams: compliant(input.compliance, {
      ...PARAMETERS,
      ...(tlsDefaults?.ecdhCurves && tlsDefaults.ecdhCurves.length > 0
        ? { ecdhCurves: [...tlsDefaults.ecdhCurves] }
        : {}),
      ...(tlsDefaults?.cipherSuites && tlsDefaults.cipherSuites.length > 0
        ? { cipherSuites: [...tlsDefaults.cipherSuites] }
        : {}),
    }),
  };
  return { commonTlsContext: common, ...(settings.sni ? { sni: settings.sni } : {}) };
}

/** A certificate by name, from whoever serves secrets; its roots go by the same name with `-cacert`. */
function fromCredential({ settings, credentialSocket }: ContextInput, names: readonly string[]): CommonTlsContext {
  const name = settings.credentialName ?? "";
  return {
    ...(settings.mode === "MUTUAL"
      ? { tlsCertificateSdsSecretConfigs: [credentialSecret(name, credentialSocket)] }
      : {}),
    ...(settings.insecureSkipVerify
      ? {}
      : {
          combinedValidationContext: {
            defaultValidationContext: exactNames(names),
            validationContextSdsSecretConfig: credentialSecret(`${name}-cacert`, credentialSocket),
          },
        }),
  };
}

/** Files of the proxy, which its agent reads (and reads again when they change). Without a CA file: the system's roots. */
function fromFiles({ settings, fileSocket }: ContextInput, names: readonly string[]): CommonTlsContext {
  const { clientCertificate, privateKey, caCertificates, caCrl, insecureSkipVerify } = settings;
  const certificate =
    settings.mode === "MUTUAL" ? [fileSecret(`file-cert:${clientCertificate}~${privateKey}`, fileSocket)] : undefined;
  return {
    ...(certificate ? { tlsCertificateSdsSecretConfigs: certificate } : {}),
    ...(insecureSkipVerify
      ? { validationContext: {} }
      : {
          combinedValidationContext: {
            defaultValidationContext: { ...exactNames(names), ...(caCrl ? { crl: { filename: caCrl } } : {}) },
            validationContextSdsSecretConfig: fileSecret(`file-root:${caCertificates || "system"}`, fileSocket),
          },
        }),
  };
}

function exactNames(names: readonly string[] | undefined): CertificateValidationContext {
  return names && names.length > 0 ? { matchSubjectAltNames: names.map((exact) => ({ exact })) } : {};
}
