import type { ServerTls } from "@fairlead/config";
import { compliancePolicyOf, meshConfigOf, type Reader } from "@fairlead/mesh";
import type { ObjectRef } from "@fairlead/model";
import type {
  CertificateValidationContext,
  CommonTlsContext,
  DownstreamTlsContext,
  SdsSecretConfig,
  StringMatcher,
  TlsParameters,
  TlsParameters_TlsProtocol,
} from "../../proto/types.ts";
import { agentSecret, WORKLOAD_CERTIFICATE, WORKLOAD_TRUST_BUNDLE } from "../agent-secret.ts";
import { credentialSecret, fileSecret } from "../cluster/credential.ts";
import { compliant } from "../compliance.ts";
import type { Build } from "../generated.ts";
import { metadataFlag } from "./node-settings.ts";
import { providerCluster } from "./provider-cluster.ts";
import { HTTP_ALPN, workloadSecrets } from "./tls-context.ts";
import { defined } from "./typed.ts";

interface Place {
  readonly object: ObjectRef;
  readonly path: string;
}

/** Cipher suites that Envoy's TLS library knows, for TLS up to 1.2. */
const CIPHERS: ReadonlySet<string> = new Set([
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-RSA-AES128-SHA",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
  "AES256-SHA",
  "AES128-SHA",
  "DES-CBC3-SHA",
]);

const PROTOCOLS: Readonly<Record<string, TlsParameters_TlsProtocol | undefined>> = {
  TLSV1_0: "TLSv1_0",
  TLSV1_1: "TLSv1_1",
  TLSV1_2: "TLSv1_2",
  TLSV1_3: "TLSv1_3",
};

const list = (values: readonly string[] | undefined) => (values && values.length > 0 ? [...values] : undefined);

/**
 * The TLS that a server of a Gateway (or a Sidecar's ingress) ends. Certificates come over SDS: secrets by
 * `credentialName` from the control plane, files from the agent beside the proxy, which rotates them.
 */
export function serverTlsContext(build: Build, tls: ServerTls, place: Place): DownstreamTlsContext {
  const required = tls.mode === "MUTUAL" || tls.mode === "ISTIO_MUTUAL";
  const meshIdentity = tls.mode === "ISTIO_MUTUAL";
  const common: CommonTlsContext = { alpnProtocols: [...HTTP_ALPN] };
  const verifies = required || tls.mode === "OPTIONAL_MUTUAL";
  if (meshIdentity)
    reportFields(
      build,
      tls,
      place,
      OWN_CERTIFICATE_FIELDS,
      "has no effect with ISTIO_MUTUAL, which is the mesh's own TLS",
    );
  else if (!verifies) reportFields(build, tls, place, CLIENT_FIELDS, "has no effect where clients show no certificate");
  const certificates = meshIdentity
    ? meshCertificates(build.read, tls, verifies)
    : (tls.credentialNames?.length ?? 0) > 0 || tls.credentialName
      ? namedCertificates(build, tls, place, verifies)
      : fileCertificates(build, tls, place, verifies);
  Object.assign(common, certificates);
  const params = compliant(compliancePolicyOf(build.read), meshIdentity ? undefined : tlsParams(build, tls, place));
  if (params) common.tlsParams = params;
  return { commonTlsContext: common, requireClientCertificate: required };
}

function exactNames(names: readonly string[] | undefined): StringMatcher[] | undefined {
  return names && names.length > 0 ? names.map((exact) => ({ exact })) : undefined;
}

function combined(
  context: CertificateValidationContext,
  validationContextSdsSecretConfig: SdsSecretConfig,
): Pick<CommonTlsContext, "combinedValidationContext"> {
  return { combinedValidationContext: { defaultValidationContext: context, validationContextSdsSecretConfig } };
}

function meshCertificates(read: Reader, tls: ServerTls, verifies: boolean): Partial<CommonTlsContext> {
  const secrets = workloadSecrets(read);
  return {
    tlsCertificateSdsSecretConfigs: [secrets.certificate],
    ...(verifies
      ? combined(
          defined<CertificateValidationContext>({
            matchSubjectAltNames: exactNames(tls.subjectAltNames),
            crl: tls.caCrl ? { filename: tls.caCrl } : undefined,
            trustChainVerification: tls.insecureSkipVerify ? "ACCEPT_UNTRUSTED" : undefined,
          }),
          secrets.roots,
        )
      : {}),
  };
}

function namedCertificates(build: Build, tls: ServerTls, place: Place, verifies: boolean): Partial<CommonTlsContext> {
  const names = tls.credentialNames?.length ? tls.credentialNames : [tls.credentialName ?? ""];
  reportFields(build, tls, place, FILE_FIELDS, "has no effect beside credentialName, which goes before files");
  const secret = (name: string) => namedSecret(build.read, name);
  const tlsCertificateSdsSecretConfigs = names.map(secret);
  if (!verifies) {
    // Envoy refuses to look at names in certificates that no root vouches for.
    if (tls.subjectAltNames?.length) unsupported(build, place, "subjectAltNames", "clients show no certificate");
    return { tlsCertificateSdsSecretConfigs };
  }
  const authority = tls.caCertCredentialName || `${names[0]}-cacert`;
  return {
    tlsCertificateSdsSecretConfigs,
    ...combined(clientValidation(tls), secret(authority)),
  };
}

/** What is asked of certificates of clients besides the roots, wherever these come from. */
function clientValidation(tls: ServerTls): CertificateValidationContext {
  return defined<CertificateValidationContext>({
    matchSubjectAltNames: exactNames(tls.subjectAltNames),
    verifyCertificateSpki: list(tls.verifyCertificateSpki),
    verifyCertificateHash: list(tls.verifyCertificateHash),
    crl: tls.caCrl ? { filename: tls.caCrl } : undefined,
    trustChainVerification: tls.insecureSkipVerify ? "ACCEPT_UNTRUSTED" : undefined,
  });
}

/** A secret by name; `sds://` names are asked of a provider of the mesh where the agent does not answer them itself. */
function namedSecret(read: Reader, name: string): SdsSecretConfig {
  const socket = metadataFlag(read, "credential");
  if (name.startsWith("sds://") && !socket) {
    const { sds } = (meshConfigOf(read).extensionProviders ?? []).find((provider) => provider.sds) ?? {};
    const found = sds && providerCluster(read, sds.service, sds.port);
    if (found && found.problem === undefined)
      return {
        name: name.slice("sds://".length),
        sdsConfig: {
          apiConfigSource: {
            apiType: "GRPC",
            grpcServices: [{ envoyGrpc: { clusterName: found.cluster, authority: found.hostname } }],
            setNodeOnFirstMessageOnly: true,
            transportApiVersion: "V3",
          },
          resourceApiVersion: "V3",
        },
      };
  }
  return credentialSecret(name, socket);
}

function fileCertificates(build: Build, tls: ServerTls, place: Place, verifies: boolean): Partial<CommonTlsContext> {
  const fileSocket = metadataFlag(build.read, "file-credential");
  const several = tls.tlsCertificates ?? [];
  const pairs = several.length > 0 ? several : [tls];
  for (const [index, { caCertificates }] of several.entries())
    if (caCertificates)
      unsupported(
        build,
        place,
        `tlsCertificates[${index}].caCertificates`,
        "clients are verified by tls.caCertificates",
      );
  if (several.length > 0)
    reportFields(build, tls, place, ["serverCertificate", "privateKey"], "has no effect beside tlsCertificates");
  const tlsCertificateSdsSecretConfigs = pairs.map(({ serverCertificate, privateKey }) =>
    serverCertificate && privateKey
      ? fileSecret(`file-cert:${serverCertificate}~${privateKey}`, fileSocket)
      : agentSecret(WORKLOAD_CERTIFICATE),
  );
  if (!verifies) {
    if (tls.subjectAltNames?.length) unsupported(build, place, "subjectAltNames", "clients show no certificate");
    return { tlsCertificateSdsSecretConfigs };
  }
  return {
    tlsCertificateSdsSecretConfigs,
    ...combined(
      clientValidation(tls),
      tls.caCertificates
        ? fileSecret(`file-root:${tls.caCertificates}`, fileSocket)
        : agentSecret(WORKLOAD_TRUST_BUNDLE),
    ),
  };
}

const CLIENT_FIELDS = [
  "caCertificates",
  "caCertCredentialName",
  "verifyCertificateSpki",
  "verifyCertificateHash",
  "caCrl",
  "insecureSkipVerify",
] as const;
const FILE_FIELDS = ["serverCertificate", "privateKey", "tlsCertificates"] as const;
const OWN_CERTIFICATE_FIELDS = [
  "serverCertificate",
  "privateKey",
  "caCertificates",
  "credentialName",
  "credentialNames",
  "caCertCredentialName",
  "tlsCertificates",
  "verifyCertificateSpki",
  "verifyCertificateHash",
  "minProtocolVersion",
  "maxProtocolVersion",
  "cipherSuites",
  "ecdhCurves",
] as const;

function reportFields(
  build: Build,
  tls: ServerTls,
  place: Place,
  fields: readonly (keyof ServerTls)[],
  message: string,
): void {
  for (const field of fields) {
    const value = tls[field];
    const stated = Array.isArray(value) ? value.length > 0 : Boolean(value) && value !== "TLS_AUTO";
    if (stated) unsupported(build, place, field, message);
  }
}

function unsupported(build: Build, { object, path }: Place, field: string, message: string): void {
  build.report({ code: "unsupported-field", severity: "warning", object, path: `${path}.${field}`, message });
}

/** The server's own settings over those of the mesh. */
function tlsParams(build: Build, tls: ServerTls, place: Place): TlsParameters | undefined {
  const { tlsDefaults } = meshConfigOf(build.read);
  const unknown = (tls.cipherSuites ?? []).filter((suite) => !CIPHERS.has(suite));
  if (unknown.length > 0)
    unsupported(build, place, "cipherSuites", `Envoy does not know ${unknown.join(", ")}: left out`);
  const suites = [...new Set(tls.cipherSuites ?? [])].filter((suite) => CIPHERS.has(suite));
  const params = defined<TlsParameters>({
    ecdhCurves: list(tls.ecdhCurves) ?? list(tlsDefaults?.ecdhCurves),
    cipherSuites: list(suites) ?? list(tlsDefaults?.cipherSuites),
    tlsMinimumProtocolVersion:
      PROTOCOLS[tls.minProtocolVersion ?? ""] ?? PROTOCOLS[tlsDefaults?.minProtocolVersion ?? ""],
    tlsMaximumProtocolVersion: PROTOCOLS[tls.maxProtocolVersion ?? ""],
  });
  return Object.keys(params).length > 0 ? params : undefined;
}
