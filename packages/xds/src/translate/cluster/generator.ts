import { destinationRuleOf, type EffectiveDestinationRule, type Reader, serviceTargetsOf } from "@fairlead/mesh";
import type { Service, ServicePort } from "@fairlead/model";
import type { Cluster } from "../../proto/types.ts";
import { type Build, type Generated, type Generator, generated, type Provenance } from "../generated.ts";
import { isGateway } from "../listener/node-settings.ts";
import { clusterName, INBOUND_PASSTHROUGH_CLUSTER, sniClusterName } from "../names.ts";
import { addedClusters, patchedClusters } from "../patch/cluster-patch.ts";
import { inboundCluster, inboundInputs } from "./inbound.ts";
import { type OutboundInput, outboundCluster } from "./outbound.ts";
import {
  blackHoleCluster,
  externalSecretsCluster,
  inboundPassthroughCluster,
  passthroughCluster,
  resolvesUnknownHosts,
  unknownHostsCluster,
} from "./passthrough.ts";
import { tracePolicy } from "./policy-trace.ts";
import { parseServiceUnit, type ServiceUnit, serviceUnits } from "./service-unit.ts";
import { unsupportedFields } from "./unsupported.ts";

const STATIC = "static";
const INBOUND = "inbound";

/**
 * Clusters. Units: `static` (those that stand for no service), `inbound`, and one a service that the node sees, which
 * holds the clusters of all its ports and subsets.
 */
export const clusterGenerator: Generator<Cluster> = {
  units: (read) => [STATIC, ...(isGateway(read) ? [] : [INBOUND]), ...serviceUnits(read)],
  generate(read, unit, provenance) {
    const outgoing = isGateway(read) ? "GATEWAY" : "SIDECAR_OUTBOUND";
    if (unit === STATIC)
      return [
        ...staticClusters(read).flatMap((cluster) => {
          const name = cluster.name ?? "";
          const context = name === INBOUND_PASSTHROUGH_CLUSTER ? "SIDECAR_INBOUND" : outgoing;
          return patchedClusters(read, [generated(read, name, () => cluster)], context, provenance);
        }),
        ...addedClusters(read, isGateway(read) ? [outgoing] : [outgoing, "SIDECAR_INBOUND"], provenance),
      ];
    if (unit === INBOUND) {
      const hosts = serviceTargetsOf(read).map(({ service }) => service.hostname);
      return patchedClusters(read, inboundClusters(read, provenance), "SIDECAR_INBOUND", provenance, hosts);
    }
    const parsed = parseServiceUnit(read, unit);
    return parsed ? patchedClusters(read, serviceClusters(read, parsed, provenance), outgoing, provenance) : [];
  },
};

function staticClusters(read: Reader): readonly Cluster[] {
  const secrets = externalSecretsCluster(read);
  const own = isGateway(read)
    ? []
    : [
        passthroughCluster(read),
        inboundPassthroughCluster(read),
        ...(resolvesUnknownHosts(read) ? [unknownHostsCluster(read)] : []),
      ];
  return [blackHoleCluster(read), ...own, ...(secrets ? [secrets] : [])];
}

function inboundClusters(read: Reader, provenance: Provenance | undefined): readonly Generated<Cluster>[] {
  const seen = new Set<number>();
  return inboundInputs(read).flatMap((input) => {
    if (seen.has(input.clusterPort)) return [];
    seen.add(input.clusterPort);
    const make = (build: Build): Cluster => {
      const cluster = inboundCluster(build, input);
      const source = input.targets[0]?.service.source;
      if (input.listener) build.from(cluster, input.listener.object, input.listener.path);
      else if (source) build.from(cluster, source);
      return cluster;
    };
    return [generated(read, clusterName("inbound", input.clusterPort, "", ""), make, provenance)];
  });
}

/** Protocols that a wildcard host can be resolved for by the request: those that carry a host name. */
const NAMES_ITS_HOST: ReadonlySet<string> = new Set(["HTTP", "TLS", "GRPC", "HTTP2"]);

/** The ports of a service that get clusters, each number once. */
export function clusterPorts(service: Service): readonly ServicePort[] {
  if (service.resolution === "Alias") return [];
  const dynamic = service.resolution === "DynamicDNS" && service.hostname.startsWith("*");
  const numbers = new Set<number>();
  return service.ports.filter(({ number, protocol }) => {
    if (protocol === "UDP" || (dynamic && !NAMES_ITS_HOST.has(protocol)) || numbers.has(number)) return false;
    numbers.add(number);
    return true;
  });
}

/** The whole service first, then its subsets; a wildcard host that is resolved by the request has none. */
export function subsetNames(service: Service, rule: EffectiveDestinationRule | undefined): readonly string[] {
  if (service.resolution === "DynamicDNS" && service.hostname.startsWith("*")) return [""];
  return ["", ...(rule?.spec.subsets ?? []).map(({ name }) => name)];
}

function serviceClusters(
  read: Reader,
  { kind, service }: ServiceUnit,
  provenance: Provenance | undefined,
): readonly Generated<Cluster>[] {
  const rule = destinationRuleOf(read, service);
  const subsets = subsetNames(service, rule);
  const made: Generated<Cluster>[] = [];
  let reported = kind === "sni";
  for (const port of clusterPorts(service))
    for (const subset of subsets) {
      const input: OutboundInput = { service, port, rule, subset, passesThrough: kind === "sni" };
      let found = false;
      const nameOf = input.passesThrough ? sniClusterName : clusterName.bind(undefined, "outbound");
      const name = nameOf(port.number, subset, service.hostname);
      const make = (build: Build): Cluster => {
        const cluster = outboundCluster(build, input);
        build.uses(service.source);
        for (const { kind: objectKind, metadata } of rule?.objects ?? [])
          build.uses({ kind: objectKind, namespace: metadata.namespace, name: metadata.name });
        if (rule && !reported) for (const diagnostic of unsupportedFields(rule)) build.report(diagnostic);
        reported = true;
        found = cluster !== undefined;
        return cluster ? tracePolicy(build, cluster, input) : {};
      };
      const one = generated(read, name, make, provenance);
      if (found) made.push(one);
    }
  return made;
}
