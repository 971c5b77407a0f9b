import {
  destinationRuleOf,
  gatewayServices,
  type Query,
  type Reader,
  sidecarScopeOf,
  visibleServicesOfHost,
} from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { ClusterLoadAssignment } from "../../proto/types.ts";
import { discoveryOf } from "../cluster/discovery-type.ts";
import { clusterPorts, subsetNames } from "../cluster/generator.ts";
import { rulePolicy } from "../cluster/policy.ts";
import { parseServiceUnit, serviceUnits } from "../cluster/service-unit.ts";
import { type Generator, generated } from "../generated.ts";
import { isGateway } from "../listener/node-settings.ts";
import { clusterName, parseClusterName, sniClusterName } from "../names.ts";
import { localityEndpoints } from "./assignment.ts";

/** Endpoints that travel on their own. A unit is the name of a cluster that asks for them over EDS. */
export const endpointGenerator: Generator<ClusterLoadAssignment> = {
  units: (read) => serviceUnits(read).flatMap((unit) => assignmentNames(read, unit)),
  generate(read, unit, provenance) {
    const name = parseClusterName(unit);
    const service = name && serviceFor(read, name.host);
    const port = service && clusterPorts(service).find(({ number }) => number === name?.port);
    if (!name || !port) return [];
    const { subset } = name;
    return [
      generated(
        read,
        unit,
        (build) => {
          const rule = destinationRuleOf(read, service);
          build.uses(service.source);
          for (const { kind, metadata } of rule?.objects ?? [])
            build.uses({ kind, namespace: metadata.namespace, name: metadata.name });
          const endpoints = localityEndpoints(read, { name: unit, service, port, rule, subset });
          const assignment: ClusterLoadAssignment = {
            clusterName: unit,
            ...(endpoints.length > 0 ? { endpoints: [...endpoints] } : {}),
          };
          return build.from(assignment, service.source);
        },
        provenance,
      ),
    ];
  },
};

/** The EDS clusters of a service. */
function assignmentNames(read: Reader, unit: string): readonly string[] {
  const parsed = parseServiceUnit(read, unit);
  if (!parsed || discoveryOf(read, parsed.service) !== "EDS") return [];
  const { kind, service } = parsed;
  const rule = destinationRuleOf(read, service);
  const names: string[] = [];
  for (const { number } of clusterPorts(service))
    for (const subset of subsetNames(service, rule))
      if (rulePolicy(rule?.spec, number, subset)?.loadBalancer?.simple !== "PASSTHROUGH")
        names.push(
          kind === "sni"
            ? sniClusterName(number, subset, service.hostname)
            : clusterName("outbound", number, subset, service.hostname),
        );
  return names;
}

const byHost: Query<void, ReadonlyMap<string, Service>> = {
  name: "service-by-host",
  key: () => "",
  compute: (read) =>
    new Map(
      (isGateway(read) ? gatewayServices(read) : sidecarScopeOf(read).services).map((service) => [
        service.hostname,
        service,
      ]),
    ),
};

const inScope: Query<string, Service | undefined> = {
  name: "service-in-scope",
  key: (host) => host,
  compute: (read, host) => read.ask(byHost, undefined).get(host),
};

/** What the host means to the node: where several namespaces have it, its scope decides. */
function serviceFor(read: Reader, host: string): Service | undefined {
  const services = visibleServicesOfHost(read, host);
  return services.length < 2 ? services[0] : read.ask(inScope, host);
}
