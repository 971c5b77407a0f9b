import type { MeshProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import type { MeshConfig } from "../kinds/mesh-config/schema.ts";

/** What Istio assumes of proxies where the mesh configuration says nothing. Source: Istio `pkg/config/mesh`. */
export function defaultProxyConfig(): MeshProxyConfig {
  return {
    configPath: "./etc/istio/proxy",
    serviceCluster: "istio-proxy",
    drainDuration: "45s",
    terminationDrainDuration: "5s",
    proxyAdminPort: 15000,
    controlPlaneAuthPolicy: "MUTUAL_TLS",
    discoveryAddress: "istiod.istio-system.svc:15012",
    binaryPath: "/usr/local/bin/envoy",
    statNameLength: 189,
    statusPort: 15020,
  };
}

/** The mesh configuration of an empty document. Source: Istio `pkg/config/mesh`. */
export function defaultMeshConfig(): MeshConfig {
  return {
    enableTracing: true,
    accessLogFile: "",
    accessLogEncoding: "TEXT",
    accessLogFormat: "",
    enableEnvoyAccessLogService: false,
    protocolDetectionTimeout: "0s",
    ingressService: "istio-ingressgateway",
    ingressControllerMode: "STRICT",
    ingressClass: "istio",
    trustDomain: "cluster.local",
    trustDomainAliases: [],
    enableAutoMtls: true,
    outboundTrafficPolicy: { mode: "ALLOW_ANY" },
    inboundTrafficPolicy: { mode: "PASSTHROUGH" },
    localityLbSetting: { enabled: true },
    certificates: [],
    defaultConfig: defaultProxyConfig(),
    rootNamespace: "istio-system",
    proxyListenPort: 15001,
    proxyInboundListenPort: 15006,
    connectTimeout: "10s",
    defaultServiceExportTo: ["*"],
    defaultVirtualServiceExportTo: ["*"],
    defaultDestinationRuleExportTo: ["*"],
    dnsRefreshRate: "60s",
    serviceSettings: [],
    enablePrometheusMerge: true,
    defaultProviders: {},
    extensionProviders: [
      { name: "prometheus", prometheus: {} },
      { name: "stackdriver", stackdriver: {} },
      { name: "envoy", envoyFileAccessLog: { path: "/dev/stdout" } },
    ],
  };
}
