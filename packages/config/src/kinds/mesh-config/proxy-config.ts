// Fields of istio/api mesh/v1alpha1.
import {
  anyDuration,
  choice,
  flag,
  type Infer,
  int32,
  list,
  map,
  message,
  nullable,
  text,
  uint32,
} from "../../schema/message.ts";
import { clientTls } from "../destination-rule/client-tls.ts";
import { tcpKeepalive } from "../destination-rule/connection-pool.ts";
import { proxyImage } from "../proxy-config/schema.ts";
import { readinessProbe } from "../workload-group/schema.ts";
import { proxyHeaders } from "./proxy-headers.ts";
import { proxyTracing } from "./proxy-tracing.ts";

export const proxySds = message({
  enabled: flag(),
  k8sSaJwtPath: text(),
});
export type ProxySds = Infer<typeof proxySds>;

export const remoteService = message({
  address: text(),
  tlsSettings: clientTls,
  tcpKeepalive,
});
export type RemoteService = Infer<typeof remoteService>;

export const proxyProtocolTopology = message({});
export type ProxyProtocolTopology = Infer<typeof proxyProtocolTopology>;

export const topology = message({
  numTrustedProxies: uint32(),
  forwardClientCertDetails: choice(
    "UNDEFINED",
    "SANITIZE",
    "FORWARD_ONLY",
    "APPEND_FORWARD",
    "SANITIZE_SET",
    "ALWAYS_FORWARD_ONLY",
  ),
  proxyProtocol: proxyProtocolTopology,
});
export type Topology = Infer<typeof topology>;

export const proxyStatsMatcher = message({
  inclusionPrefixes: list(text()),
  inclusionSuffixes: list(text()),
  inclusionRegexps: list(text()),
});
export type ProxyStatsMatcher = Infer<typeof proxyStatsMatcher>;

export const cryptoMbKeyProvider = message({
  pollDelay: anyDuration(),
  fallback: nullable(flag()),
});
export type CryptoMbKeyProvider = Infer<typeof cryptoMbKeyProvider>;

export const qatKeyProvider = message({
  pollDelay: anyDuration(),
  fallback: nullable(flag()),
});
export type QatKeyProvider = Infer<typeof qatKeyProvider>;

export const privateKeyProvider = message(
  {
    cryptomb: cryptoMbKeyProvider,
    qat: qatKeyProvider,
  },
  ["cryptomb", "qat"],
);
export type PrivateKeyProvider = Infer<typeof privateKeyProvider>;

export const connectionSettings = message({
  profile: choice("SIDECAR", "EDGE"),
  listenerPerConnectionBufferLimitBytes: nullable(int32()),
  clusterPerConnectionBufferLimitBytes: nullable(int32()),
  httpIdleTimeout: anyDuration(),
  httpMaxConnectionDuration: anyDuration(),
  httpDrainTimeout: anyDuration(),
  httpRequestTimeout: anyDuration(),
  httpRequestHeadersTimeout: anyDuration(),
  httpStreamIdleTimeout: anyDuration(),
  httpMaxStreamDuration: anyDuration(),
  httpMaxConcurrentStreams: nullable(int32()),
  http2InitialStreamWindowSize: nullable(int32()),
  http2InitialConnectionWindowSize: nullable(int32()),
  httpHeadersWithUnderscoresAction: choice(
    "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
    "HEADERS_WITH_UNDERSCORES_ALLOW",
    "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
    "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
  ),
  httpMergeSlashes: nullable(flag()),
  httpPathWithEscapedSlashesAction: choice(
    "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
    "KEEP_UNCHANGED",
    "REJECT_REQUEST",
    "UNESCAPE_AND_REDIRECT",
    "UNESCAPE_AND_FORWARD",
  ),
  listenerConnectionLimit: nullable(int32()),
  globalDownstreamConnectionLimit: nullable(int32()),
});
export type ConnectionSettings = Infer<typeof connectionSettings>;

export const meshProxyConfig = message(
  {
    configPath: text(),
    binaryPath: text(),
    serviceCluster: text(),
    tracingServiceName: choice("APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"),
    drainDuration: anyDuration(),
    discoveryAddress: text(),
    /** @deprecated */
    discoveryRefreshDelay: anyDuration(),
    /** @deprecated */
    zipkinAddress: text(),
    statsdUdpAddress: text(),
    /** @deprecated */
    envoyMetricsServiceAddress: text(),
    proxyAdminPort: int32(),
    /** @deprecated */
    availabilityZone: text(),
    controlPlaneAuthPolicy: choice("NONE", "MUTUAL_TLS", "INHERIT"),
    customConfigFile: text(),
    statNameLength: int32(),
    concurrency: nullable(int32()),
    proxyBootstrapTemplatePath: text(),
    interceptionMode: choice("REDIRECT", "TPROXY", "NONE"),
    tracing: proxyTracing,
    /** @deprecated */
    sds: proxySds,
    envoyAccessLogService: remoteService,
    envoyMetricsService: remoteService,
    proxyMetadata: map(text()),
    runtimeValues: map(text()),
    statusPort: int32(),
    extraStatTags: list(text()),
    gatewayTopology: topology,
    terminationDrainDuration: anyDuration(),
    meshId: text(),
    readinessProbe,
    proxyStatsMatcher,
    holdApplicationUntilProxyStarts: nullable(flag()),
    caCertificatesPem: list(text()),
    image: proxyImage,
    privateKeyProvider,
    proxyHeaders,
    fileFlushInterval: anyDuration(),
    fileFlushMinSizeKb: uint32(),
    statsCompression: nullable(flag()),
    connectionSettings,
  },
  ["serviceCluster", "tracingServiceName"],
);
/** Settings of all proxies (`defaultConfig`); an annotation or a ProxyConfig can change them for some. */
export type MeshProxyConfig = Infer<typeof meshProxyConfig>;
