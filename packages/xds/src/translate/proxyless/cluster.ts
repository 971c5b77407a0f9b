import { destinationRuleOf } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { Cluster, LocalityLbEndpoints } from "../../proto/types.ts";
import { discoveryOf } from "../cluster/discovery-type.ts";
import { clusterPorts, subsetNames } from "../cluster/generator.ts";
import { balancer } from "../cluster/load-balancer.ts";
import { type EffectivePolicy, rulePolicy } from "../cluster/policy.ts";
import { endpointFacts } from "../cluster/service-facts.ts";
import { delimited } from "../cluster/stat-name.ts";
import { tlsSocket } from "../cluster/transport.ts";
import { localityEndpoints } from "../endpoint/assignment.ts";
import { type Build, type Generator, generated } from "../generated.ts";
import { clusterName } from "../names.ts";
import { keepsSessions } from "../stateful-session.ts";
import { proxylessService, proxylessUnits } from "./services.ts";
import { programTls } from "./tls.ts";

/** Clusters with the settings that gRPC knows. Mutual TLS only where a rule asks for it: the program must have chosen xDS credentials. */
export const proxylessClusters: Generator<Cluster> = {
  units: proxylessUnits,
  generate(read, unit, provenance) {
    const service = proxylessService(read, unit);
    if (!service) return [];
    const rule = destinationRuleOf(read, service);
    return clusterPorts(service).flatMap((servicePort) =>
      subsetNames(service, rule).map((subset) => {
        const port = servicePort.number;
        const name = clusterName("outbound", port, subset, service.hostname);
        return generated(
          read,
          name,
          (build): Cluster => {
            for (const { kind, metadata } of rule?.objects ?? [])
              build.uses({ kind, namespace: metadata.namespace, name: metadata.name });
            const policy = rulePolicy(rule?.spec, port, subset);
            const [object] = rule?.objects ?? [];
            if (object && policy) reportUnknown(build, policy, object);
            const requests = policy?.connectionPool?.http?.http2MaxRequests ?? 0;
            return build.from(
              {
                name,
                altStatName: delimited(name),
                ...discovered(build, service, name, () =>
                  localityEndpoints(read, { name, service, port: servicePort, rule, subset }),
                ),
                ...balancing(policy),
                ...(keepsSessions(service)
                  ? {
                      commonLbConfig: {
                        overrideHostStatus: { statuses: ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"] },
                      },
                    }
                  : {}),
                ...(requests > 0 ? { circuitBreakers: { thresholds: [{ maxRequests: requests }] } } : {}),
                ...(policy?.tls?.mode === "ISTIO_MUTUAL"
                  ? {
                      transportSocket: tlsSocket({
                        commonTlsContext: programTls(endpointFacts(read, service).identities),
                      }),
                    }
                  : {}),
              },
              service.source,
            );
          },
          provenance,
        );
      }),
    );
  },
};

/**
 * Where the endpoints come from: over EDS, or from the name of the only one, which gRPC resolves. Names of several are
 * nothing that it knows.
 */
function discovered(
  build: Build,
  service: Service,
  name: string,
  endpoints: () => readonly LocalityLbEndpoints[],
): Partial<Cluster> {
  if (discoveryOf(build.read, service) === "EDS")
    return { type: "EDS", edsClusterConfig: { edsConfig: { ads: {} }, serviceName: name } };
  const found = endpoints().flatMap(({ lbEndpoints = [] }) => lbEndpoints);
  const [first] = found;
  if (found.length > 1)
    build.report({
      code: "single-endpoint",
      severity: "warning",
      object: service.source,
      path: "spec.endpoints",
      message: "gRPC without a proxy resolves the name of one endpoint: the first is used",
    });
  const address = first?.endpoint?.address;
  const single = address ? [{ lbEndpoints: [{ endpoint: { address } }] }] : [];
  return { type: "LOGICAL_DNS", loadAssignment: { clusterName: name, endpoints: single } };
}

function balancing(policy: EffectivePolicy | undefined): Partial<Cluster> {
  const settings = policy?.loadBalancer;
  if (settings?.consistentHash) return balancer({ consistentHash: settings.consistentHash });
  return settings?.simple === "LEAST_REQUEST" ? { lbPolicy: "LEAST_REQUEST" } : {};
}

function reportUnknown(
  build: Build,
  policy: EffectivePolicy,
  {
    kind,
    metadata,
  }: { readonly kind: string; readonly metadata: { readonly namespace: string; readonly name: string } },
): void {
  const { simple, consistentHash } = policy.loadBalancer ?? {};
  const { tcp, http } = policy.connectionPool ?? {};
  const found = [
    ...(["outlierDetection", "tunnel", "proxyProtocol", "retryBudget"] as const).filter((field) => policy[field]),
    ...(policy.tls && (policy.tls.mode === "SIMPLE" || policy.tls.mode === "MUTUAL") ? ["tls"] : []),
    ...(tcp ? ["connectionPool.tcp"] : []),
    ...Object.keys(http ?? {}).flatMap((field) =>
      field === "http2MaxRequests" ? [] : [`connectionPool.http.${field}`],
    ),
    ...(!consistentHash && (simple === "RANDOM" || simple === "PASSTHROUGH") ? ["loadBalancer.simple"] : []),
  ];
  for (const field of found)
    build.report({
      code: "unsupported-field",
      severity: "warning",
      object: { kind, namespace: metadata.namespace, name: metadata.name },
      path: `spec.trafficPolicy.${field}`,
      message: "gRPC without a proxy does not know it",
    });
}
