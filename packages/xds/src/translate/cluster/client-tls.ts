import type { ClientTls } from "@fairlead/config";
import { type MutualTlsMode, meshConfigOf, namespaceMutualTls, type Reader } from "@fairlead/mesh";
import type { Service, ServicePort } from "@fairlead/model";
import type { EffectivePolicy } from "./policy.ts";
import { endpointFacts } from "./service-facts.ts";

/** What a cluster's TLS comes to, and whether the user asked for it or the mesh turned it on by itself. */
export interface EffectiveTls {
  readonly settings: ClientTls;
  readonly automatic: boolean;
}

/** Certificate files that a proxy was started with, for mTLS without an agent. */
interface ClientFiles {
  readonly certificate: string;
  readonly key: string;
  readonly roots: string;
}

function clientFiles(read: Reader): ClientFiles | undefined {
  const text = read.fact("client certificate files", (node) => {
    const { TLS_CLIENT_CERT_CHAIN, TLS_CLIENT_KEY, TLS_CLIENT_ROOT_CERT } = node.metadata;
    return TLS_CLIENT_CERT_CHAIN
      ? JSON.stringify([TLS_CLIENT_CERT_CHAIN, TLS_CLIENT_KEY ?? "", TLS_CLIENT_ROOT_CERT ?? ""])
      : "";
  });
  if (!text) return undefined;
  const [certificate = "", key = "", roots = ""] = JSON.parse(text) as string[];
  return { certificate, key, roots };
}

function withFiles(files: ClientFiles, names: readonly string[] | undefined, sni: string | undefined): ClientTls {
  return {
    mode: "MUTUAL",
    clientCertificate: files.certificate,
    privateKey: files.key,
    caCertificates: files.roots,
    ...(names ? { subjectAltNames: names as string[] } : {}),
    ...(sni ? { sni } : {}),
  };
}

export interface TlsInput {
  readonly service: Service;
  readonly port: ServicePort;
  readonly policy: EffectivePolicy | undefined;
  /** The names that certificates of the service may carry. */
  readonly identities: () => readonly string[];
  readonly sni: string;
  /** The destination is addressed as it was dialled: by its resolution, or because the policy says PASSTHROUGH. */
  readonly passthrough: boolean;
}

/**
 * The TLS settings of a cluster: those of the policy, completed where they say ISTIO_MUTUAL; without any, mesh mTLS
 * where the servers take it (auto mTLS). Source: Istio `buildUpstreamTLSSettings`.
 */
export function effectiveTls(read: Reader, input: TlsInput): EffectiveTls | undefined {
  const { service, policy, identities, sni } = input;
  const stated = policy?.tls;
  if (stated) {
    const mode = stated.mode ?? "DISABLE";
    if (mode === "DISABLE" || mode === "SIMPLE") return { settings: { ...stated, mode }, automatic: false };
    const files = service.meshExternal ? undefined : clientFiles(read);
    if (files) return { settings: withFiles(files, stated.subjectAltNames, stated.sni), automatic: false };
    if (mode !== "ISTIO_MUTUAL") return { settings: stated, automatic: false };
    const settings = {
      ...stated,
      subjectAltNames: stated.subjectAltNames ?? [...identities()],
      ...(stated.sni || sni ? { sni: stated.sni || sni } : {}),
    };
    return { settings, automatic: false };
  }
  if (meshConfigOf(read).enableAutoMtls === false || serviceMutualTls(read, input) === "DISABLE") return undefined;
  const files = clientFiles(read);
  return {
    settings: files
      ? withFiles(files, identities(), sni)
      : { mode: "ISTIO_MUTUAL", subjectAltNames: [...identities()], sni },
    automatic: true,
  };
}

/**
 * What clients may assume of the servers, from policies for namespaces and the mesh (those for single workloads decide
 * per endpoint). Where the endpoints are not ours to choose, one without a proxy turns it off for all.
 */
function serviceMutualTls(read: Reader, { service, port, passthrough }: TlsInput): MutualTlsMode {
  if (service.meshExternal) return "DISABLE";
  if (passthrough && !endpointFacts(read, service).portsTakeMutualTls[port.name]) return "DISABLE";
  return namespaceMutualTls(read, service.namespace) ?? "PERMISSIVE";
}
