import { type EffectiveDestinationRule, meshConfigOf, type Reader } from "@fairlead/mesh";
import { isHttp, isHttp2, type Service, type ServicePort } from "@fairlead/model";
import type { Cluster, LocalityLbEndpoints } from "../../proto/types.ts";
import { localityEndpoints } from "../endpoint/assignment.ts";
import type { Build } from "../generated.ts";
import { isGateway, metadataFlag, proxySettingsOf } from "../listener/node-settings.ts";
import { clusterName, sniClusterName } from "../names.ts";
import { type EffectiveTls, effectiveTls } from "./client-tls.ts";
import { circuitBreakers, connectTimeout, upstreamConnectionOptions } from "./connection-pool.ts";
import { type Discovery, discoveryOf, dnsFields, edsFields, originalDestinationFields } from "./discovery-type.ts";
import { dynamicForwardProxy } from "./dynamic-forward-proxy.ts";
import { balancer, commonLoadBalancing } from "./load-balancer.ts";
import { localitySettings } from "./locality-settings.ts";
import { clusterMetadata } from "./metadata.ts";
import { outlierDetection } from "./outlier-detection.ts";
import { type EffectivePolicy, rulePolicy, withMeshDefaults } from "./policy.ts";
import { extensionOptions, protocolOptions, speaksHttp2 } from "./protocol-options.ts";
import { endpointFacts } from "./service-facts.ts";
import { delimited, statName } from "./stat-name.ts";
import { automaticMutualTls, type TransportFields, tlsSocket, withProxyProtocol } from "./transport.ts";
import { upstreamTlsContext } from "./upstream-tls-context.ts";

export interface OutboundInput {
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: EffectiveDestinationRule | undefined;
  /** Empty: the whole service. */
  readonly subset: string;
  /** For a gateway that passes mTLS through by SNI: no TLS of its own. */
  readonly passesThrough: boolean;
}

/** The cluster of a service port, or of a subset; undefined when a name to resolve has no endpoint. */
export function outboundCluster(build: Build, input: OutboundInput): Cluster | undefined {
  const { read } = build;
  const { service, port, rule, subset } = input;
  const mesh = meshConfigOf(read);
  const name = (input.passesThrough ? sniClusterName : clusterName.bind(undefined, "outbound"))(
    port.number,
    subset,
    service.hostname,
  );
  const policy = withMeshDefaults(rulePolicy(rule?.spec, port.number, subset), mesh.defaultTrafficPolicy);
  const declared = discoveryOf(read, service);
  const discovery = policy?.loadBalancer?.simple === "PASSTHROUGH" && declared !== "CUSTOM" ? "ORIGINAL_DST" : declared;
  const endpoints = isResolved(discovery) ? localityEndpoints(read, { service, port, rule, subset, name }) : undefined;
  if (endpoints?.length === 0) return undefined;
  const { transport, options, tlsMode, insecure } = secured(read, input, policy, discovery, name);
  const pool = policy?.connectionPool;
  const connections = upstreamConnectionOptions(pool, mesh);
  const outliers = outlierDetection(policy?.outlierDetection);
  const stat = mesh.outboundClusterStatName;
  return {
    name,
    altStatName: stat ? statName(stat, { service, subset, port, targetPort: 0 }) : delimited(name),
    ...(discovery === "CUSTOM"
      ? { clusterType: dynamicForwardProxy(read, service.hostname, insecure) }
      : { type: discovery }),
    connectTimeout: connectTimeout(pool, mesh),
    ...(isResolved(discovery) ? dnsFields(read) : {}),
    ...discoveryFields(input, discovery, name, endpoints),
    ...balancing(read, input, policy, discovery),
    circuitBreakers: circuitBreakers(pool, policy?.retryBudget),
    ...(outliers ? { outlierDetection: outliers } : {}),
    ...(connections ? { upstreamConnectionOptions: connections } : {}),
    ...(options ? { typedExtensionProtocolOptions: extensionOptions(options) } : {}),
    ...transport,
    metadata: clusterMetadata({
      services: discovery === "CUSTOM" ? undefined : [service],
      rule: ruleName(rule),
      subset,
      external: service.meshExternal && subset === "",
      tlsMode: rule ? tlsMode : undefined,
    }),
  };
}

function isResolved(discovery: Discovery): boolean {
  return discovery === "STRICT_DNS" || discovery === "LOGICAL_DNS";
}

function ruleName(rule: EffectiveDestinationRule | undefined) {
  const [first] = rule?.objects ?? [];
  return first && { kind: first.kind, namespace: first.metadata.namespace, name: first.metadata.name };
}

function discoveryFields(
  { service, port }: OutboundInput,
  discovery: Discovery,
  name: string,
  endpoints: readonly LocalityLbEndpoints[] | undefined,
): Partial<Cluster> {
  if (discovery === "EDS") return edsFields(name);
  if (discovery === "ORIGINAL_DST") return originalDestinationFields(service, port);
  return endpoints ? { loadAssignment: { clusterName: name, endpoints: [...endpoints] } } : {};
}

function balancing(
  read: Reader,
  { service }: OutboundInput,
  policy: EffectivePolicy | undefined,
  discovery: Discovery,
): Partial<Cluster> {
  if (discovery === "CUSTOM") return { lbPolicy: "CLUSTER_PROVIDED" };
  const settings = localitySettings(policy?.loadBalancer, service, meshConfigOf(read));
  const commonLbConfig = commonLoadBalancing(policy?.outlierDetection, settings, {
    distributed: service.trafficDistribution !== undefined,
    keepsDraining: keepsSessions(service),
  });
  if (discovery === "ORIGINAL_DST") return { commonLbConfig, lbPolicy: "CLUSTER_PROVIDED" };
  return { commonLbConfig, ...balancer(policy?.loadBalancer) };
}

/** Sessions are pinned to an endpoint by a cookie or a header. Source: Istio's labels for persistent sessions. */
export function keepsSessions({ labels }: Service): boolean {
  return Boolean(labels["istio.io/persistent-session"] || labels["istio.io/persistent-session-header"]);
}

interface Secured {
  readonly transport: TransportFields;
  readonly options: ReturnType<typeof protocolOptions>;
  readonly tlsMode: NonNullable<EffectivePolicy["tls"]>["mode"] | undefined;
  /** Certificates are not checked against the request's host, or there are none: a dynamic forward proxy must be told. */
  readonly insecure: boolean;
}

/** Transport security and HTTP options, which depend on each other. */
function secured(
  read: Reader,
  input: OutboundInput,
  policy: EffectivePolicy | undefined,
  discovery: Discovery,
  name: string,
): Secured {
  const { service, port, rule } = input;
  const gateway = isGateway(read);
  const protocol = {
    protocol: port.protocol,
    sniffs: !gateway,
    preserveCase: proxySettingsOf(read).proxyHeaders?.preserveHttp1HeaderCase ?? false,
    upgrade: meshConfigOf(read).h2UpgradePolicy ?? "DO_NOT_UPGRADE",
    pool: policy?.connectionPool,
    errorCodes: policy?.outlierDetection?.outlierDetectionHttpErrorCodes ?? [],
  };
  const tls = input.passesThrough ? undefined : tlsOf(read, input, policy, discovery);
  const usable = tls && isUsable(tls, gateway, rule) ? tls : undefined;
  const { autoSni, autoSanValidation } = automaticNames(usable?.settings, discovery === "CUSTOM");
  const context =
    usable &&
    upstreamTlsContext({
      settings: usable.settings,
      clusterName: name,
      content: speaksHttp2(protocol) || isHttp2(port.protocol) ? "http2" : isHttp(port.protocol) ? "http" : "tcp",
      serviceNames: service.registry === "External" ? endpointFacts(read, service).identities : [],
      dynamic: discovery === "CUSTOM",
      tlsDefaults: meshConfigOf(read).tlsDefaults,
      credentialSocket: Boolean(usable.settings.credentialName) && metadataFlag(read, "credential"),
      fileSocket: isFromFiles(usable) && metadataFlag(read, "file-credential"),
    });
  const plain: TransportFields = context ? { transportSocket: tlsSocket(context) } : {};
  const automatic = usable?.automatic && usable.settings.mode === "ISTIO_MUTUAL" && discovery !== "ORIGINAL_DST";
  const transport = automatic && plain.transportSocket ? automaticMutualTls(plain.transportSocket) : plain;
  const options = protocolOptions({ ...protocol, autoSni, autoSanValidation });
  return {
    transport:
      policy?.proxyProtocol && !input.passesThrough ? withProxyProtocol(transport, policy.proxyProtocol) : transport,
    options,
    tlsMode: policy?.tls?.mode,
    insecure: options !== undefined && !(autoSni && autoSanValidation),
  };
}

function tlsOf(read: Reader, input: OutboundInput, policy: EffectivePolicy | undefined, discovery: Discovery) {
  const { service, port, rule, subset } = input;
  const stated =
    subset === "" ? rule?.spec.trafficPolicy : rule?.spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  return effectiveTls(read, {
    service,
    port,
    policy,
    identities: endpointFacts(read, service).identities,
    sni: discovery === "CUSTOM" ? "" : sniClusterName(port.number, subset, service.hostname),
    passthrough: service.resolution === "Passthrough" || stated?.loadBalancer?.simple === "PASSTHROUGH",
  });
}

function isFromFiles({ settings }: EffectiveTls): boolean {
  return !settings.credentialName && (settings.mode === "SIMPLE" || settings.mode === "MUTUAL");
}

/**
 * A credential by name is for gateways, and for sidecars that a rule selects: a rule for all would make every sidecar
 * wait for a secret that it may not read. MUTUAL without a certificate is reported and left out.
 */
function isUsable({ settings }: EffectiveTls, gateway: boolean, rule: EffectiveDestinationRule | undefined): boolean {
  const { mode, credentialName, clientCertificate, privateKey } = settings;
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return true;
  if (credentialName)
    return gateway || credentialName.startsWith("configmap://") || rule?.spec.workloadSelector !== undefined;
  return mode === "SIMPLE" || Boolean(clientCertificate && privateKey);
}

/** Without a stated SNI it is the request's host, and the certificate must then be for that host. */
function automaticNames(
  settings: EffectiveTls["settings"] | undefined,
  dynamic: boolean,
): { readonly autoSni: boolean; readonly autoSanValidation: boolean } {
  const user = settings?.mode === "SIMPLE" || settings?.mode === "MUTUAL";
  if (!settings || !(user || (dynamic && settings.mode === "ISTIO_MUTUAL")))
    return { autoSni: false, autoSanValidation: false };
  const autoSni = !settings.sni;
  const named = (settings.subjectAltNames ?? []).length > 0;
  return { autoSni, autoSanValidation: (dynamic || (autoSni && !named)) && !settings.insecureSkipVerify };
}
