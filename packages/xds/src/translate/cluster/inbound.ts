import type { IngressListener } from "@fairlead/config";
import {
  destinationRuleOf,
  meshConfigOf,
  type Reader,
  type ServiceTarget,
  serviceTargetsOf,
  sidecarOf,
  sidecarScopeOf,
} from "@fairlead/mesh";
import { type ObjectRef, parseProtocol, type Service, type ServicePort } from "@fairlead/model";
import type { Cluster } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { LOCALHOSTS, listenAddress } from "../listener/address.ts";
import { addressFamilyOf, interceptionModeOf, proxySettingsOf } from "../listener/node-settings.ts";
import { clusterName } from "../names.ts";
import { circuitBreakers, connectTimeout, upstreamConnectionOptions } from "./connection-pool.ts";
import { defaultEndpointAddress } from "./default-endpoint.ts";
import { clusterMetadata } from "./metadata.ts";
import { inboundSource } from "./passthrough.ts";
import { type EffectivePolicy, portPolicy, withMeshDefaults } from "./policy.ts";
import { extensionOptions, protocolOptions } from "./protocol-options.ts";
import { delimited, statName } from "./stat-name.ts";

/** The service that an inbound cluster stands for: only a name where a Sidecar's listener has no service. */
type InboundService = Pick<Service, "hostname" | "name" | "namespace" | "registry" | "meshExternal"> & {
  readonly source?: ObjectRef;
};

interface InboundTarget {
  readonly service: InboundService;
  readonly port: Pick<ServicePort, "number" | "name" | "protocol">;
}

/** What one inbound cluster is made for. */
export interface InboundInput {
  /** In the cluster's name: the workload port, or that of a Sidecar's listener. */
  readonly clusterPort: number;
  /** Where requests go; absent: where they were sent. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** All that is served there; the first decides. */
  readonly targets: readonly InboundTarget[];
  readonly listener: { readonly object: ObjectRef; readonly path: string } | undefined;
}

/** Cleaning up would close idle connections to the workload. The largest duration that Envoy's nanoseconds hold. */
const NEVER = "9223372035s";

/** The inbound clusters of the node, by workload port; those of a Sidecar's ingress listeners instead, where it has some. */
export function inboundInputs(read: Reader): readonly InboundInput[] {
  const sidecar = sidecarOf(read);
  const listeners = sidecar?.spec.ingress ?? [];
  if (sidecar && listeners.length > 0) {
    const object = { kind: sidecar.kind, ...sidecar.metadata };
    return listeners.flatMap((listener, index) => ingressInput(read, listener, object, index) ?? []);
  }
  // Without interception the workload itself listens there: only a Sidecar can say what is to be done.
  if (interceptionModeOf(read) === "NONE") return [];
  const byPort = new Map<number, ServiceTarget[]>();
  for (const target of serviceTargetsOf(read)) {
    const targets = byPort.get(target.targetPort);
    if (targets) targets.push(target);
    else byPort.set(target.targetPort, [target]);
  }
  const toLocalhost = meshConfigOf(read).inboundTrafficPolicy?.mode === "LOCALHOST";
  return [...byPort].map(([port, targets]) => ({
    clusterPort: port,
    address: toLocalhost ? { host: LOCALHOSTS[addressFamilyOf(read)][0], port } : undefined,
    targets,
    listener: undefined,
  }));
}

function ingressInput(
  read: Reader,
  listener: IngressListener,
  { kind, namespace, name }: ObjectRef,
  index: number,
): InboundInput | undefined {
  const { number = 0, name: portName = "", protocol = "" } = listener.port;
  const address = listener.defaultEndpoint ? defaultEndpointAddress(read, listener.defaultEndpoint) : undefined;
  if (address === "invalid") return undefined;
  const served = serviceTargetsOf(read).find((target) => target.targetPort === number)?.service;
  const service = served ?? { hostname: `${name}.${namespace}`, name, namespace, registry: "", meshExternal: true };
  return {
    clusterPort: number,
    address,
    targets: [{ service, port: { number, name: portName, protocol: parseProtocol(protocol) } }],
    listener: { object: { kind, namespace, name }, path: `spec.ingress[${index}]` },
  };
}

export function inboundCluster(build: Build, input: InboundInput): Cluster {
  const { read } = build;
  const { clusterPort, address, targets } = input;
  const mesh = meshConfigOf(read);
  const [first] = targets;
  if (!first) throw new Error(`no target for inbound port ${clusterPort}`);
  const { service, port } = first;
  const name = clusterName("inbound", clusterPort, "", "");
  for (const target of targets) if (target.service.source) build.uses(target.service.source);
  const { policy, rule } = inboundPolicy(build, input, first);
  const pool = policy?.connectionPool;
  const connections = upstreamConnectionOptions(pool, mesh);
  const options = protocolOptions({
    protocol: port.protocol,
    sniffs: true,
    preserveCase: proxySettingsOf(read).proxyHeaders?.preserveHttp1HeaderCase ?? false,
    upgrade: undefined,
    pool,
    errorCodes: [],
    autoSni: false,
    autoSanValidation: false,
  });
  const stat = mesh.inboundClusterStatName;
  const described = targets.filter((target) => target.port.number === port.number).map((target) => target.service);
  const isLoopback = address?.host === "127.0.0.1" || address?.host === "::1";
  return {
    name,
    altStatName: stat ? statName(stat, { service, subset: "", port, targetPort: clusterPort }) : delimited(name),
    type: address ? "STATIC" : "ORIGINAL_DST",
    connectTimeout: connectTimeout(pool, mesh),
    commonLbConfig: {},
    ...(address
      ? {
          loadAssignment: {
            clusterName: name,
            endpoints: [{ lbEndpoints: [{ endpoint: { address: listenAddress(address.host, address.port) } }] }],
          },
        }
      : { lbPolicy: "CLUSTER_PROVIDED", cleanupInterval: NEVER }),
    circuitBreakers: circuitBreakers(pool, policy?.retryBudget),
    ...(connections ? { upstreamConnectionOptions: connections } : {}),
    ...(options ? { typedExtensionProtocolOptions: extensionOptions(options) } : {}),
    ...(service.meshExternal
      ? {}
      : {
          metadata: clusterMetadata({
            services: [...new Map(described.map((one) => [one.hostname, one])).values()],
            rule,
            subset: "",
            external: false,
            tlsMode: undefined,
          }),
        }),
    ...(isLoopback ? {} : { upstreamBindConfig: inboundSource(addressFamilyOf(read)) }),
  };
}

/**
 * The server takes the connection pool that its clients are given, so that it has the room they expect; a Sidecar's own
 * goes before that.
 */
function inboundPolicy(build: Build, input: InboundInput, { service, port }: InboundTarget) {
  const { read } = build;
  const sidecar = sidecarOf(read);
  const own =
    sidecar?.spec.ingress?.find((listener) => listener.port?.number === input.clusterPort)?.connectionPool ??
    sidecar?.spec.inboundConnectionPool;
  if (sidecar && own)
    build.uses({ kind: sidecar.kind, namespace: sidecar.metadata.namespace, name: sidecar.metadata.name });
  // As in Istio, rules are those of what the Sidecar imports, the workload's own service too.
  const imported =
    !sidecar?.spec.egress?.length ||
    sidecarScopeOf(read).services.some(({ hostname }) => hostname === service.hostname);
  const effective = imported ? destinationRuleOf(read, service, "inbound") : undefined;
  const rule = effective?.spec.trafficPolicy ? effective.objects[0] : undefined;
  const ref = rule && { kind: rule.kind, namespace: rule.metadata.namespace, name: rule.metadata.name };
  if (ref) build.uses(ref);
  const stated = withMeshDefaults(
    portPolicy(effective?.spec.trafficPolicy, port.number),
    meshConfigOf(read).defaultTrafficPolicy,
  );
  const policy: EffectivePolicy | undefined = own ? { ...stated, connectionPool: own } : stated;
  return { policy, rule: ref };
}
