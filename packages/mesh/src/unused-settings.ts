import { defaultMeshConfig, formatPath, type MeshConfig, type MeshNetworks } from "@fairlead/config";
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

/**
 * What is not read of the messages that the above are: schema paths (lists as `[]`, maps as `{}`). That a field is neither here
 * nor read fails `tests/workspace/mesh-fields.test.ts`.
 */
const UNREAD_PARTS: readonly string[] = [
  "caCertificates[].certSigners",
  "defaultConfig.connectionSettings.clusterPerConnectionBufferLimitBytes",
  "defaultConfig.connectionSettings.listenerConnectionLimit",
  "defaultConfig.connectionSettings.globalDownstreamConnectionLimit",
  "defaultConfig.proxyHeaders.metadataExchangeHeaders",
  // Where spans go is said by a provider; these are for the bootstrap of Istio's own proxies.
  "defaultConfig.tracing.zipkin",
  "defaultConfig.tracing.lightstep",
  "defaultConfig.tracing.datadog",
  "defaultConfig.tracing.stackdriver",
  "defaultConfig.tracing.openCensusAgent",
  "defaultConfig.tracing.tlsSettings",
  "defaultProviders.metrics",
  "defaultTrafficPolicy.outlierDetection.consecutiveErrors",
  "extensionProviders[].lightstep",
  "extensionProviders[].opencensus",
  "extensionProviders[].prometheus",
  "extensionProviders[].sds.name",
  "extensionProviders[].stackdriver",
  "meshMTLS.ecdhCurves",
  "outboundTrafficPolicy.tls",
];

type Fields = Readonly<Record<string, unknown>>;

/**
 * What of the mesh-wide settings has no effect here, where it differs from the default. Paths are those of the document; who has
 * parsed it knows their places (`locate` of `parseMeshConfig`).
 */
export function settingsDiagnostics(meshConfig: MeshConfig, meshNetworks: MeshNetworks = {}): readonly Diagnostic[] {
  const defaults = defaultMeshConfig();
  const unread = (values: object, read: ReadonlySet<string>): readonly string[] =>
    Object.keys(values).filter((field) => !read.has(field));
  const paths = [
    ...unread(meshConfig, READ_FIELDS),
    ...unread(meshConfig.defaultConfig ?? {}, READ_PROXY_FIELDS).map((field) => `defaultConfig.${field}`),
    ...UNREAD_PARTS,
  ];
  const found = paths.flatMap((path) => stated(meshConfig as Fields, defaults as Fields, path.split("."), ""));
  return [
    ...found.map((path) => unsupported("MeshConfig", path, "has no effect: nothing here acts on it")),
    ...gatewayLocalities(meshNetworks).map((path) =>
      unsupported(
        "MeshNetworks",
        path,
        "endpoints behind a gateway keep their own locality: the gateway's has no effect",
      ),
    ),
  ];
}

function unsupported(kind: string, path: string, message: string): Diagnostic {
  return {
    code: "unsupported-field",
    severity: "warning",
    message,
    path,
    object: { kind, namespace: "", name: "mesh" },
  };
}

function gatewayLocalities({ networks = {} }: MeshNetworks): readonly string[] {
  return Object.entries(networks).flatMap(([network, { gateways = [] }]) =>
    gateways.flatMap(({ locality }, index) =>
      locality ? [formatPath(["networks", network, "gateways", index, "locality"])] : [],
    ),
  );
}

/** Where a schema path has a value that is not the default's: items of lists have the default of the item of their name. */
function stated(
  values: Fields,
  defaults: Fields | undefined,
  [field = "", ...rest]: readonly string[],
  at: string,
): readonly string[] {
  const name = field.replace("[]", "");
  const [value, usual] = [values[name], defaults?.[name]];
  if (value === undefined || structurallyEqual(value, usual)) return [];
  if (!Array.isArray(value) || rest.length === 0)
    return rest.length === 0 ? [`${at}${name}`] : stated(value as Fields, usual as Fields, rest, `${at}${name}.`);
  return (value as readonly Fields[]).flatMap((item, index) => {
    const same = (usual as readonly Fields[] | undefined)?.find((one) => one.name === item.name);
    return stated(item, same, rest, `${at}${name}[${index}].`);
  });
}
