import { defaultMeshConfig, type MeshConfig } from "@fairlead/config";
import { type Diagnostic, structurallyEqual } from "@fairlead/model";

/** Fields of the mesh configuration that something reads. Whatever else a user sets is told: see {@link settingsDiagnostics}. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "accessLogEncoding",
  "accessLogFile",
  "accessLogFormat",
  "caCertificates",
  "connectTimeout",
  "defaultConfig",
  "defaultDestinationRuleExportTo",
  "defaultHttpRetryPolicy",
  "defaultProviders",
  "defaultServiceExportTo",
  "defaultTrafficPolicy",
  "defaultVirtualServiceExportTo",
  "disableEnvoyListenerLog",
  "discoverySelectors",
  "dnsRefreshRate",
  "enableAutoMtls",
  "enableEnvoyAccessLogService",
  "enableTracing",
  "extensionProviders",
  "h2UpgradePolicy",
  "inboundClusterStatName",
  "inboundTrafficPolicy",
  "ingressClass",
  "ingressControllerMode",
  "ingressSelector",
  "ingressService",
  "localityLbSetting",
  "meshMTLS",
  "outboundClusterStatName",
  "outboundTrafficPolicy",
  "pathNormalization",
  "protocolDetectionTimeout",
  "proxyHttpPort",
  "proxyInboundListenPort",
  "proxyListenPort",
  "rootNamespace",
  "serviceEntryVisibility",
  "serviceSettings",
  "tcpKeepalive",
  "tlsDefaults",
  "trustDomain",
  "trustDomainAliases",
  "zoneAwareLbSetting",
]);

/** The same of `defaultConfig`: the rest concerns how an agent starts its Envoy, which is not done from here. */
const READ_PROXY_FIELDS: ReadonlySet<string> = new Set([
  "concurrency",
  "discoveryAddress",
  "image",
  "proxyAdminPort",
  "proxyMetadata",
  "proxyStatsMatcher",
  "runtimeValues",
  "statsdUdpAddress",
  "connectionSettings",
  "gatewayTopology",
  "proxyHeaders",
  "tracing",
]);

const object = (kind: string) => ({ kind, namespace: "", name: "mesh" });

/** What of the mesh-wide settings has no effect here, where it differs from the default. */
export function settingsDiagnostics(meshConfig: MeshConfig): readonly Diagnostic[] {
  const defaults = defaultMeshConfig() as Readonly<Record<string, unknown>>;
  const unused = (
    values: object,
    read: ReadonlySet<string>,
    usual: Readonly<Record<string, unknown>>,
    prefix: string,
  ): Diagnostic[] =>
    Object.entries(values)
      .filter(([field, value]) => value !== undefined && !read.has(field) && !structurallyEqual(value, usual[field]))
      .map(([field]) => ({
        code: "unsupported-field",
        severity: "warning",
        message: "has no effect: nothing here acts on it",
        path: `${prefix}${field}`,
        object: object("MeshConfig"),
      }));
  return [
    ...unused(meshConfig, READ_FIELDS, defaults, ""),
    ...unused(
      meshConfig.defaultConfig ?? {},
      READ_PROXY_FIELDS,
      (defaults.defaultConfig ?? {}) as Readonly<Record<string, unknown>>,
      "defaultConfig.",
    ),
  ];
}
