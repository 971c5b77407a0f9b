import type { Protocol } from "@fairlead/model";
import { shared } from "../../proto/shared.ts";
import type { HttpConnectionManager, HttpFilter, ListenerFilter, RouteConfiguration } from "../../proto/types.ts";
import { portAmongExtensions } from "../extension/filters.ts";
import type { Build } from "../generated.ts";
import { include } from "../route/part.ts";
import { type ManagerKind, managerSettings } from "./manager-settings.ts";
import { typed } from "./typed.ts";

export interface HttpOptions {
  readonly kind: ManagerKind;
  /** A name to ask for over RDS, or the routes themselves. */
  readonly routes: string | RouteConfiguration;
  readonly statPrefix: string;
  readonly protocol: Protocol;
  /** The port that extensions may be chosen by; 0 where there are many. */
  readonly port: number;
  /** Filters that come right before the router. */
  readonly lastFilters?: readonly HttpFilter[];
}

/** Ends a statistics prefix, so that the rest of a name cannot be taken for part of it. */
export const STAT_PREFIX_END = ";";

/** The HTTP connection manager of a filter chain: its name and routes, and what it has in common with all of its kind. */
export function httpConnectionManager(build: Build, options: HttpOptions): ListenerFilter {
  const { kind, routes, statPrefix, protocol, lastFilters = [] } = options;
  const port = portAmongExtensions(build.read, options.port);
  const common = include(build, managerSettings(build.read, { kind, port, grpcWeb: protocol === "GRPC-Web" }));
  const manager: HttpConnectionManager = {
    statPrefix,
    ...(typeof routes === "string" ? { rds: rds(routes) } : { routeConfig: routes }),
    ...common,
  };
  if (lastFilters.length > 0) manager.httpFilters = beforeRouter(common.httpFilters ?? [], lastFilters);
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", manager),
  };
}

function beforeRouter(filters: readonly HttpFilter[], last: readonly HttpFilter[]): HttpFilter[] {
  return [...filters.slice(0, -1), ...last, ...filters.slice(-1)];
}

function rds(routeConfigName: string): NonNullable<HttpConnectionManager["rds"]> {
  return { configSource: RDS_SOURCE, routeConfigName };
}

const RDS_SOURCE = shared<NonNullable<HttpConnectionManager["rds"]>["configSource"] & object>({
  ads: {},
  initialFetchTimeout: "0s",
  resourceApiVersion: "V3",
});
