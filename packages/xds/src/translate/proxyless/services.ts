import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { discoveryOf } from "../cluster/discovery-type.ts";
import { clusterPorts } from "../cluster/generator.ts";
import { parseServiceUnit, serviceUnits } from "../cluster/service-unit.ts";

/** gRPC reaches services whose endpoints it is sent, and single names, which it resolves. Source: gRFC A27, A37. */
export function proxylessService(read: Reader, unit: string): Service | undefined {
  const service = parseServiceUnit(read, unit)?.service;
  return service && discoveryOf(read, service) !== "CUSTOM" && service.resolution !== "Alias" ? service : undefined;
}

/** The ports of a service that gRPC can call, each with the names of hosts that callers may write. */
export function proxylessPorts(service: Service): readonly number[] {
  return clusterPorts(service).map(({ number }) => number);
}

export const proxylessUnits = (read: Reader): readonly string[] =>
  serviceUnits(read).filter((unit) => proxylessService(read, unit) !== undefined);
