import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import type { Locate } from "@fairlead/simulator";
import { type Provenance, parseClusterName, translate } from "@fairlead/xds/translate";

type Route = Readonly<Record<string, unknown>> & { readonly match?: object };

/** A route as a person reads it. */
export interface RouteRow {
  readonly port: string;
  readonly host: string;
  readonly match: string;
  readonly action: string;
  /** Where the route is written. */
  readonly line?: number;
}

/** The routes that a proxy is sent, in the order it tries them. */
export function routeTable(mesh: Mesh, node: ProxyNode, locate: Locate): readonly RouteRow[] {
  const provenance: Provenance = new WeakMap();
  const { routes } = translate(mesh, node, provenance);
  return routes.flatMap(({ name, resource }) => {
    const { virtualHosts = [] } = resource as {
      virtualHosts?: readonly { domains: readonly string[]; routes?: readonly Route[] }[];
    };
    return virtualHosts.flatMap(({ domains, routes: own = [] }) =>
      own.map((route): RouteRow => {
        const source = provenance.get(route);
        const line = source && locate(source.object, source.path)?.line;
        return {
          port: name,
          host: domains[0] ?? "",
          match: plain(route.match ?? {}),
          action: actionOf(route),
          ...(line !== undefined && { line }),
        };
      }),
    );
  });
}

/** `{prefix: "/a"}` as `prefix /a`. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([key, child]) => (key === "name" ? plain(child) : `${key} ${plain(child)}`))
    .join(" ");
}

function target(cluster: string): string {
  const { host, subset } = parseClusterName(cluster) ?? {};
  return host === undefined ? cluster : subset ? `${host} ${subset}` : host;
}

function actionOf(route: Route): string {
  const { redirect, directResponse } = route;
  if (redirect) return `redirect ${plain(redirect)}`;
  if (directResponse) return `answer ${plain(directResponse)}`;
  const action = route.route as {
    cluster?: string;
    weightedClusters?: { clusters: readonly { name: string; weight?: number }[] };
  };
  const weighted = action?.weightedClusters?.clusters;
  if (weighted) return weighted.map(({ name, weight = 0 }) => `${weight} → ${target(name)}`).join(", ");
  return `→ ${target(action?.cluster ?? "")}`;
}
