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
} from "../../schema/message.ts";
import { clientTls } from "../destination-rule/client-tls.ts";
import { connectionPool, outlierDetection, tcpKeepalive } from "../destination-rule/connection-pool.ts";
import { localityLoadBalancer, zoneAwareLoadBalancer } from "../destination-rule/locality.ts";
import { httpRetry } from "../virtual-service/http-route.ts";
import { extensionProvider } from "./extension-provider.ts";
import { meshProxyConfig } from "./proxy-config.ts";

export const outboundTrafficPolicy = message({
  mode: choice("REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"),
  tls: clientTls,
});
export type OutboundTrafficPolicy = Infer<typeof outboundTrafficPolicy>;

export const inboundTrafficPolicy = message({
  mode: choice("PASSTHROUGH", "LOCALHOST"),
});
export type InboundTrafficPolicy = Infer<typeof inboundTrafficPolicy>;

export const configSource = message({
  address: text(),
  tlsSettings: clientTls,
  subscribedResources: list(choice("SERVICE_REGISTRY")),
});
export type ConfigSource = Infer<typeof configSource>;

export const caCertificateData = message(
  {
    pem: text(),
    spiffeBundleUrl: text(),
    certSigners: list(text()),
    trustDomains: list(text()),
  },
  ["pem", "spiffeBundleUrl"],
);
export type CaCertificateData = Infer<typeof caCertificateData>;

export const dnsCertificate = message({
  secretName: text(),
  dnsNames: list(text()),
});
export type DnsCertificate = Infer<typeof dnsCertificate>;

export const serviceSettingsFlags = message({
  clusterLocal: flag(),
});
export type ServiceSettingsFlags = Infer<typeof serviceSettingsFlags>;

export const serviceSettings = message({
  settings: serviceSettingsFlags,
  hosts: list(text()),
});
export type ServiceSettings = Infer<typeof serviceSettings>;

export const labelSelectorRequirement = message({
  key: text(),
  operator: text(),
  values: list(text()),
});
export type LabelSelectorRequirement = Infer<typeof labelSelectorRequirement>;

export const labelSelector = message({
  matchLabels: map(text()),
  matchExpressions: list(labelSelectorRequirement),
});
export type LabelSelector = Infer<typeof labelSelector>;

export const serviceScopeConfigs = message({
  namespaceSelector: labelSelector,
  servicesSelector: labelSelector,
  scope: choice("LOCAL", "GLOBAL"),
});
export type ServiceScopeConfigs = Infer<typeof serviceScopeConfigs>;

export const externalCa = message({
  address: text(),
  tlsSettings: clientTls,
  requestTimeout: anyDuration(),
  istiodSide: flag(),
});
export type ExternalCa = Infer<typeof externalCa>;

export const defaultProviders = message({
  tracing: list(text()),
  metrics: list(text()),
  accessLogging: list(text()),
});
export type DefaultProviders = Infer<typeof defaultProviders>;

export const proxyPathNormalization = message({
  normalization: choice("DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"),
});
export type ProxyPathNormalization = Infer<typeof proxyPathNormalization>;

export const meshTlsConfig = message({
  minProtocolVersion: choice("TLS_AUTO", "TLSV1_2", "TLSV1_3"),
  ecdhCurves: list(text()),
  cipherSuites: list(text()),
});
export type MeshTlsConfig = Infer<typeof meshTlsConfig>;

export const defaultTrafficPolicy = message({
  connectionPool,
  outlierDetection,
});
export type DefaultTrafficPolicy = Infer<typeof defaultTrafficPolicy>;

export const visibilityMatchRule = message({
  namespaceSelector: labelSelector,
});
export type VisibilityMatchRule = Infer<typeof visibilityMatchRule>;

export const visibilityPolicy = message({
  visibility: choice("VISIBILITY_UNSPECIFIED", "NONE", "NAMESPACE", "PUBLIC"),
  matchingRules: list(visibilityMatchRule),
});
export type VisibilityPolicy = Infer<typeof visibilityPolicy>;

export const serviceEntryVisibility = message({
  defaultVisibility: choice("VISIBILITY_UNSPECIFIED", "NONE", "NAMESPACE", "PUBLIC"),
  applyToSidecars: flag(),
  policies: list(visibilityPolicy),
});
export type ServiceEntryVisibility = Infer<typeof serviceEntryVisibility>;

export const meshConfig = message({
  proxyListenPort: int32(),
  proxyInboundListenPort: int32(),
  proxyHttpPort: int32(),
  connectTimeout: anyDuration(),
  hboneIdleTimeout: anyDuration(),
  protocolDetectionTimeout: anyDuration(),
  tcpKeepalive,
  ingressClass: text(),
  ingressService: text(),
  ingressControllerMode: choice("UNSPECIFIED", "OFF", "DEFAULT", "STRICT"),
  ingressSelector: text(),
  enableTracing: flag(),
  accessLogFile: text(),
  accessLogFormat: text(),
  accessLogEncoding: choice("TEXT", "JSON"),
  enableEnvoyAccessLogService: flag(),
  disableEnvoyListenerLog: flag(),
  defaultConfig: meshProxyConfig,
  outboundTrafficPolicy,
  inboundTrafficPolicy,
  configSources: list(configSource),
  enableAutoMtls: nullable(flag()),
  trustDomain: text(),
  trustDomainAliases: list(text()),
  caCertificates: list(caCertificateData),
  defaultServiceExportTo: list(text()),
  defaultVirtualServiceExportTo: list(text()),
  defaultDestinationRuleExportTo: list(text()),
  rootNamespace: text(),
  localityLbSetting: localityLoadBalancer,
  zoneAwareLbSetting: zoneAwareLoadBalancer,
  dnsRefreshRate: anyDuration(),
  h2UpgradePolicy: choice("DO_NOT_UPGRADE", "UPGRADE"),
  inboundClusterStatName: text(),
  outboundClusterStatName: text(),
  /** @deprecated */
  certificates: list(dnsCertificate),
  serviceSettings: list(serviceSettings),
  serviceScopeConfigs: list(serviceScopeConfigs),
  enablePrometheusMerge: nullable(flag()),
  /** @deprecated */
  verifyCertificateAtClient: nullable(flag()),
  ca: externalCa,
  extensionProviders: list(extensionProvider),
  defaultProviders,
  discoverySelectors: list(labelSelector),
  pathNormalization: proxyPathNormalization,
  defaultHttpRetryPolicy: httpRetry,
  defaultInboundHttpRetryPolicy: httpRetry,
  meshMTLS: meshTlsConfig,
  tlsDefaults: meshTlsConfig,
  defaultTrafficPolicy,
  serviceEntryVisibility,
});
/** Settings of the mesh as a whole. A document of its own, without kind. */
export type MeshConfig = Infer<typeof meshConfig>;
