// Objects and their kinds, reading and validating, stores, mesh-wide documents, schemas, and the type of every message.

export { type AdmissionRequest, type AdmissionResponse, reviewAdmission } from "./admission.ts";
export {
  authorizationPolicy,
  type BuilderMeta,
  configObject,
  destinationRule,
  envoyFilter,
  gateway,
  peerAuthentication,
  proxyConfig,
  requestAuthentication,
  serviceEntry,
  sidecar,
  telemetry,
  trafficExtension,
  virtualService,
  wasmPlugin,
  workloadEntry,
  workloadGroup,
} from "./builders.ts";
export { ConfigError } from "./common/config-error.ts";
export { type DurationText, formatDuration, parseDuration } from "./common/duration.ts";
export { formatPath, type PathSegment, parsePath } from "./common/path.ts";
export { convert } from "./convert.ts";
export { type ConvertedGatewayApi, convertGatewayApi, type Origin } from "./gateway-api/convert/convert.ts";
export type { GatewayApiStatus } from "./gateway-api/convert/status.ts";
export type {
  Content,
  GatewayApiWorld,
  KnownPort,
  KnownService,
  KnownServiceEntry,
} from "./gateway-api/convert/world.ts";
export type {
  Backend,
  BackendTlsPolicy,
  BackendTrafficPolicy,
  TlsValidation,
} from "./gateway-api/kinds/backend-policy.ts";
export type {
  ConnectionRule,
  TcpRouteResource,
  TlsRouteResource,
  UdpRoute,
} from "./gateway-api/kinds/connection-route.ts";
export type { GatewayResource } from "./gateway-api/kinds/gateway.ts";
export type { GatewayClass } from "./gateway-api/kinds/gateway-class.ts";
export type { GrpcRoute, GrpcRouteMatch, GrpcRule } from "./gateway-api/kinds/grpc-route.ts";
export type {
  Cors,
  GrpcFilter,
  HeaderModifier,
  HttpFilter,
  RequestMirror,
  RequestRedirect,
  UrlRewrite,
} from "./gateway-api/kinds/http-filter.ts";
export type { HttpRouteMatch, HttpRouteResource, HttpRule } from "./gateway-api/kinds/http-route.ts";
export type { Listener, ListenerTls, RouteGroupKind } from "./gateway-api/kinds/listener.ts";
export type { ListenerSet } from "./gateway-api/kinds/listener-set.ts";
export type { ReferenceGrant } from "./gateway-api/kinds/reference-grant.ts";
export type {
  BackendObjectReference,
  BackendReference,
  ObjectReference,
  ParentReference,
  SecretReference,
} from "./gateway-api/kinds/references.ts";
export type { SessionPersistence } from "./gateway-api/kinds/route.ts";
export {
  GATEWAY_API_KINDS,
  type GatewayApiKind,
  type GatewayApiKindDefinition,
  type GatewayApiObject,
  type GatewayApiSpec,
  gatewayApiKindOf,
} from "./gateway-api/kinds.ts";
export { type GatewayApiOptions, type GatewayApiStore, gatewayApiStore } from "./gateway-api/store.ts";
export { type GatewayApiValidation, validateGatewayApi } from "./gateway-api/validate.ts";
export { type ConvertedIngress, convertIngress, type IngressOptions } from "./ingress/convert.ts";
export type { KubernetesObject } from "./ingress/resource.ts";
export { type IngressStore, ingressStore } from "./ingress/store.ts";
export type {
  AuthorizationCondition,
  AuthorizationFrom,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationProvider,
  AuthorizationRule,
  AuthorizationSource,
  AuthorizationTo,
} from "./kinds/authorization-policy/schema.ts";
export type { ClientTls } from "./kinds/destination-rule/client-tls.ts";
export type {
  ConnectionPool,
  Http2Keepalive,
  HttpPool,
  OutlierDetection,
  TcpKeepalive,
  TcpPool,
} from "./kinds/destination-rule/connection-pool.ts";
export type {
  BackendUtilization,
  ConsistentHash,
  HashCookie,
  HashCookieAttribute,
  LoadBalancer,
  Maglev,
  RingHash,
  WarmupConfiguration,
} from "./kinds/destination-rule/load-balancer.ts";
export type {
  LocalityDistribute,
  LocalityFailover,
  LocalityLoadBalancer,
  ZoneAwareLoadBalancer,
  ZoneFailover,
} from "./kinds/destination-rule/locality.ts";
export type {
  DestinationRule,
  PortTrafficPolicy,
  RetryBudget,
  Subset,
  TrafficPolicy,
  TunnelSettings,
  UpstreamProxyProtocol,
} from "./kinds/destination-rule/schema.ts";
export type { MessageCheck } from "./kinds/envoy-filter/check-message.ts";
export type {
  ClusterMatch,
  EnvoyPatchMatch,
  EnvoyProxyMatch,
  FilterChainMatch,
  FilterMatch,
  ListenerMatch,
  RouteConfigurationMatch,
  RouteMatch,
  SubFilterMatch,
  VirtualHostMatch,
  WaypointFilterMatch,
  WaypointMatch,
  WaypointRouteMatch,
  WaypointSubFilterMatch,
} from "./kinds/envoy-filter/match.ts";
export type { EnvoyConfigPatch, EnvoyFilter, EnvoyPatch } from "./kinds/envoy-filter/schema.ts";
export type { Gateway, GatewayPort, GatewayServer } from "./kinds/gateway/schema.ts";
export type { ServerTls, TlsCertificate } from "./kinds/gateway/server-tls.ts";
export type {
  EnvoyFileAccessLogProvider,
  EnvoyHttpGrpcV3LogProvider,
  EnvoyOpenTelemetryLogProvider,
  EnvoyTcpGrpcV3LogProvider,
  ExtAuthzGrpcProvider,
  ExtAuthzHttpProvider,
  ExtAuthzRequestBody,
  ExtensionProvider,
  FileLogFormat,
  OpenTelemetryLogFormat,
  PrometheusMetricsProvider,
  SDSProvider,
} from "./kinds/mesh-config/extension-provider.ts";
export type {
  ConnectionSettings,
  CryptoMbKeyProvider,
  MeshProxyConfig,
  PrivateKeyProvider,
  ProxyProtocolTopology,
  ProxySds,
  ProxyStatsMatcher,
  QatKeyProvider,
  RemoteService,
  Topology,
} from "./kinds/mesh-config/proxy-config.ts";
export type {
  AttemptCountHeader,
  ClientCertDetailsHeader,
  EnvoyDebugHeaders,
  MetadataExchangeHeaders,
  ProxyHeaders,
  RequestIdHeader,
  ServerHeader,
  XForwardedHostHeader,
  XForwardedPortHeader,
} from "./kinds/mesh-config/proxy-headers.ts";
export type {
  ProxyCustomTag,
  ProxyDatadog,
  ProxyEnvironmentTag,
  ProxyHeaderTag,
  ProxyLightstep,
  ProxyLiteralTag,
  ProxyOpenCensusAgent,
  ProxyStackdriver,
  ProxyTracing,
  ProxyZipkin,
} from "./kinds/mesh-config/proxy-tracing.ts";
export type {
  CaCertificateData,
  ConfigSource,
  DefaultProviders,
  DefaultTrafficPolicy,
  DnsCertificate,
  ExternalCa,
  InboundTrafficPolicy,
  LabelSelector,
  LabelSelectorRequirement,
  MeshConfig,
  MeshTlsConfig,
  OutboundTrafficPolicy,
  ProxyPathNormalization,
  ServiceEntryVisibility,
  ServiceScopeConfigs,
  ServiceSettings,
  ServiceSettingsFlags,
  VisibilityMatchRule,
  VisibilityPolicy,
} from "./kinds/mesh-config/schema.ts";
export type {
  DatadogTracingProvider,
  DynatraceApi,
  DynatraceResourceDetector,
  DynatraceSampler,
  EnvironmentResourceDetector,
  LightstepTracingProvider,
  OpenCensusAgentTracingProvider,
  OpenTelemetryTracingProvider,
  ProviderGrpcService,
  ProviderHttpHeader,
  ProviderHttpService,
  ResourceDetectors,
  SkyWalkingTracingProvider,
  StackdriverLogging,
  StackdriverProvider,
  ZipkinTracingProvider,
} from "./kinds/mesh-config/tracing-provider.ts";
export type { IstioNetworkGateway, MeshNetworks, Network, NetworkEndpoints } from "./kinds/mesh-networks/schema.ts";
export type { MutualTls, PeerAuthentication } from "./kinds/peer-authentication/schema.ts";
export type { ProxyConfig, ProxyImage } from "./kinds/proxy-config/schema.ts";
export type {
  ClaimToHeader,
  JwtHeader,
  JwtRule,
  RequestAuthentication,
} from "./kinds/request-authentication/schema.ts";
export type { ServiceEntry, ServiceEntryPort } from "./kinds/service-entry/schema.ts";
export type { Destination, PortSelector } from "./kinds/shared/destination.ts";
export type {
  PolicyPortSelector,
  PolicyTargetReference,
  SidecarWorkloadSelector,
  WorkloadSelector,
} from "./kinds/shared/selector.ts";
export type {
  EgressListener,
  IngressListener,
  Sidecar,
  SidecarOutboundPolicy,
  SidecarPort,
} from "./kinds/sidecar/schema.ts";
export type {
  CustomTag,
  EnvironmentTag,
  FormatterTag,
  HeaderTag,
  LiteralTag,
  LogFilter,
  LogSelector,
  MetricSelector,
  MetricsOverride,
  ProviderRef,
  TagOverride,
  Telemetry,
  TelemetryAccessLogging,
  TelemetryMetrics,
  TelemetryTracing,
  TracingSelector,
} from "./kinds/telemetry/schema.ts";
export type { LuaConfig, TrafficExtension, TrafficSelector, WasmConfig } from "./kinds/traffic-extension/schema.ts";
export type { HttpMatch, StringMatch } from "./kinds/virtual-service/http-match.ts";
export type {
  CorsPolicy,
  HeaderOperations,
  Headers,
  HttpBody,
  HttpDelegate,
  HttpDirectResponse,
  HttpFault,
  HttpFaultAbort,
  HttpFaultDelay,
  HttpMirror,
  HttpRedirect,
  HttpRetry,
  HttpRewrite,
  HttpRoute,
  HttpRouteDestination,
  Percent,
  RegexRewrite,
} from "./kinds/virtual-service/http-route.ts";
export type {
  RouteDestination,
  TcpMatch,
  TcpRoute,
  TlsMatch,
  TlsRoute,
  VirtualService,
} from "./kinds/virtual-service/schema.ts";
export type { WasmEnvVar, WasmPlugin, WasmTrafficSelector, WasmVmConfig } from "./kinds/wasm-plugin/schema.ts";
export type { WorkloadEntry } from "./kinds/workload-entry/schema.ts";
export type {
  ExecProbe,
  GrpcProbe,
  HttpProbe,
  ProbeHeader,
  ReadinessProbe,
  TcpProbe,
  WorkloadGroup,
  WorkloadGroupMetadata,
} from "./kinds/workload-group/schema.ts";
export {
  KINDS,
  type KindDefinition,
  type KindName,
  kindOf,
  MESH_SCHEMAS,
  type MeshDocumentName,
  type SpecOf,
} from "./kinds.ts";
export { defaultMeshConfig, defaultProxyConfig } from "./mesh/defaults.ts";
export { mergeMeshConfig, mergeProxyConfig } from "./mesh/merge.ts";
export { type MeshParseOptions, type ParsedSettings, parseMeshConfig, parseMeshNetworks } from "./mesh/parse.ts";
export { type AnyConfigObject, type ConfigObject, isKind, type ObjectMeta, refOf } from "./object.ts";
export {
  type ParsedDocument,
  type ParseOptions,
  type ParseResult,
  parseDocuments,
  streamDocuments,
} from "./parse/documents.ts";
export { editYaml, type TextEdit } from "./parse/edit.ts";
export { printDocument, printYaml, toKubernetes } from "./print.ts";
export { customResourceDefinition, jsonSchema } from "./schema/crd.ts";
export { fieldPaths, schemaOf } from "./schema/field-paths.ts";
export type { JsonSchema } from "./schema/json-schema.ts";
export { type Infer, type MessageInfo, messageInfo, type Schema } from "./schema/message.ts";
export { type AggregateStore, aggregateStore } from "./stores/aggregate.ts";
export { type DocumentStore, type TextStore, textStore } from "./stores/documents.ts";
export { type ConfigHistory, configHistory, type HistoryEntry, type HistoryOptions } from "./stores/history.ts";
export { type MemoryStore, memoryStore } from "./stores/memory.ts";
export {
  type ConfigStore,
  isWritable,
  type StoredObject,
  type StoreEdit,
  sameMeaning,
  type WritableStore,
} from "./stores/store.ts";
export { type ValidateOptions, type Validation, validateDocument, validateObject } from "./validation/validate.ts";
