import type { Reader } from "@fairlead/mesh";
import type { RouteConfiguration } from "../../proto/types.ts";
import { type Generated, type Generator, generated, type Provenance } from "../generated.ts";
import { patchedRoutes } from "../patch/route-patch.ts";
import { gatewayRouteConfiguration } from "./gateway-route-configuration.ts";
import { gatewayServersOf } from "./gateway-servers.ts";
import { sidecarRouteNames } from "./route-names.ts";
import { sidecarRouteConfiguration } from "./sidecar-route-configuration.ts";

const typeOf = (read: Reader) => read.fact("type", (node) => node.type);

/** Route configurations. Each is a unit; what they are put together from is shared between them and between nodes. */
export const routeGenerator: Generator<RouteConfiguration> = {
  units(read) {
    const type = typeOf(read);
    if (type === "router") return [...gatewayServersOf(read).byRouteName.keys()].sort();
    return type === "sidecar" ? sidecarRouteNames(read) : [];
  },
  generate(read: Reader, unit: string, provenance?: Provenance): readonly Generated<RouteConfiguration>[] {
    const gateway = typeOf(read) === "router";
    return [
      generated(
        read,
        unit,
        (build) =>
          patchedRoutes(
            build,
            gateway ? gatewayRouteConfiguration(build, unit) : sidecarRouteConfiguration(build, unit),
            gateway ? "GATEWAY" : "SIDECAR_OUTBOUND",
            provenance,
          ),
        provenance,
      ),
    ];
  },
};
