import { type EffectiveDestinationRule, meshConfigOf, type Reader } from "@fairlead/mesh";
import type { Service, ServicePort } from "@fairlead/model";
import type { Cluster, LocalityLbEndpoints } from "../../proto/types.ts";
import { localityEndpoints } from "../endpoint/assignment.ts";
import type { Build } from "../generated.ts";
import { clusterName, sniClusterName } from "../names.ts";
import { keepsSessions } from "../stateful-session.ts";
import { circuitBreakers, connectTimeout, upstreamConnectionOptions } from "./connection-pool.ts";
import { type Discovery, discoveryOf, dnsFields, edsFields, originalDestinationFields } from "./discovery-type.ts";
import { dynamicForwardProxy } from "./dynamic-forward-proxy.ts";
import { balancer, commonLoadBalancing } from "./load-balancer.ts";
import { localitySettings } from "./locality-settings.ts";
import { clusterMetadata } from "./metadata.ts";
import { secured } from "./outbound-security.ts";
import { outlierDetection } from "./outlier-detection.ts";
import { type EffectivePolicy, rulePolicy, withMeshDefaults } from "./policy.ts";
import { extensionOptions } from "./protocol-options.ts";
import { delimited, statName } from "./stat-name.ts";

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
  const resolved = isResolved(discovery) ? localityEndpoints(read, { service, port, rule, subset, name }) : undefined;
  const endpoints = discovery === "LOGICAL_DNS" && resolved ? onlyFirst(build, service, resolved) : resolved;
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

/** Envoy takes one name for a cluster that uses a name's answers in turn. */
function onlyFirst(
  build: Build,
  service: Service,
  localities: readonly LocalityLbEndpoints[],
): readonly LocalityLbEndpoints[] {
  const [first, ...others] = localities.filter(({ lbEndpoints }) => lbEndpoints);
  const [endpoint, ...more] = first?.lbEndpoints ?? [];
  if (!first || !endpoint) return [];
  if (others.length + more.length === 0) return [first];
  const message = `only the first of several endpoints of ${service.hostname} is used: DNS_ROUND_ROBIN resolves one name`;
  build.report({
    code: "single-endpoint",
    severity: "warning",
    path: "spec.endpoints",
    message,
    object: service.source,
  });
  return [{ ...first, lbEndpoints: [endpoint], loadBalancingWeight: endpoint.loadBalancingWeight ?? 1 }];
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
  const chosen = balancer(policy?.loadBalancer);
  if (!chosen.loadBalancingPolicy) return { commonLbConfig, ...chosen };
  // Envoy takes no settings of localities beside such a policy.
  const { zoneAwareLbConfig: _, localityWeightedLbConfig: __, ...common } = commonLbConfig;
  return { commonLbConfig: common, ...chosen };
}
