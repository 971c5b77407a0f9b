import type { Endpoint } from "@fairlead/model";
import { type SliceContext, slicePorts, toEndpoint } from "./endpoint-slice.ts";
import type { Reading } from "./reading.ts";

/** The endpoints of a v1 Endpoints object, the older form of EndpointSlices; each subset's addresses have all its ports. */
export function legacyEndpoints(reading: Reading, context: SliceContext): readonly Endpoint[] {
  return reading.root
    .at("subsets")
    .items()
    .flatMap((subset) => {
      const ports = slicePorts(subset.at("ports"));
      const listed = [
        ...subset
          .at("addresses")
          .items()
          .map((address) => ({ address, health: "healthy" as const })),
        ...subset
          .at("notReadyAddresses")
          .items()
          .map((address) => ({ address, health: "unhealthy" as const })),
      ];
      return listed.flatMap(({ address, health }) => {
        const ip = address.at("ip").nonEmptyText();
        if (ip === undefined) return [];
        return [toEndpoint([ip], ports, health, context.podAt(reading.namespace, ip), reading.namespace, context)];
      });
    });
}
