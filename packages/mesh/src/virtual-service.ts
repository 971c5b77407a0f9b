import { type ConfigObject, type HttpRoute, refOf, type TcpRoute, type TlsRoute } from "@fairlead/config";
import { type Diagnostic, type ObjectRef, resolveShortHost } from "@fairlead/model";
import { mergeDelegateRoute } from "./delegate.ts";
import type { Query, Reader } from "./derivation.ts";
import { byAge } from "./mesh.ts";
import { CLUSTER_DOMAIN, meshConfigOf } from "./mesh-settings.ts";
import { isVisibleTo, namespaceAmong, type Visibility, visibilityOf } from "./visibility.ts";
import { sameMembers } from "./visible-services.ts";

/** A rule with the place it was written at. */
export interface Placed<R> {
  readonly rule: R;
  readonly source: ObjectRef;
  /** `spec.http[2]` */
  readonly path: string;
}

/** A VirtualService with full host and gateway names and its delegates merged in. */
export interface ResolvedVirtualService {
  readonly object: ConfigObject<"VirtualService">;
  readonly name: string;
  readonly namespace: string;
  readonly creationTime: string | undefined;
  readonly hosts: readonly string[];
  /** `mesh` or `namespace/name`; never empty. */
  readonly gateways: readonly string[];
  readonly http: readonly Placed<HttpRoute>[];
  readonly tls: readonly Placed<TlsRoute>[];
  readonly tcp: readonly Placed<TcpRoute>[];
  readonly visibility: Visibility;
  readonly diagnostics: readonly Diagnostic[];
}

function gatewayName(gateway: string, namespace: string): string {
  if (gateway === "mesh" || gateway.includes("/"))
    return gateway.startsWith("./") ? `${namespace}${gateway.slice(1)}` : gateway;
  // A former way to name a gateway of another namespace: `name.namespace.svc.…`.
  const [name, elsewhere] = gateway.split(".");
  return elsewhere ? `${elsewhere}/${name}` : `${namespace}/${gateway}`;
}

/** A copy with the host of every `destination`, `mirror` and `mirrors[]` made full. */
function resolveHosts<R extends object>(rule: R, namespace: string): R {
  const resolve = <D extends { host?: string }>(destination: D): D =>
    destination.host === undefined
      ? destination
      : { ...destination, host: resolveShortHost(destination.host, namespace, CLUSTER_DOMAIN) };
  const { match, route, mirror, mirrors } = rule as {
    match?: readonly { gateways?: readonly string[] }[];
    route?: readonly { destination?: { host?: string } }[];
    mirror?: { host?: string };
    mirrors?: readonly { destination?: { host?: string } }[];
  };
  const weighted = (list: readonly { destination?: { host?: string } }[]) =>
    list.map((entry) => (entry.destination ? { ...entry, destination: resolve(entry.destination) } : entry));
  return {
    ...rule,
    ...(match
      ? {
          match: match.map((one) =>
            one.gateways ? { ...one, gateways: one.gateways.map((gateway) => gatewayName(gateway, namespace)) } : one,
          ),
        }
      : {}),
    ...(route ? { route: weighted(route) } : {}),
    ...(mirror ? { mirror: resolve(mirror) } : {}),
    ...(mirrors ? { mirrors: weighted(mirrors) } : {}),
  };
}

function delegateRoutes(
  read: Reader,
  root: ConfigObject<"VirtualService">,
  route: HttpRoute,
  path: string,
  diagnostics: Diagnostic[],
): Placed<HttpRoute>[] {
  const { namespace } = root.metadata;
  const target = route.delegate;
  if (!target) return [];
  const home = target.namespace || namespace;
  const found = (
    (read.bucket("config", `VirtualService/${home}`) ?? []) as readonly ConfigObject<"VirtualService">[]
  ).find((object) => object.metadata.name === target.name && (object.spec.hosts ?? []).length === 0);
  const report = (code: string, message: string) =>
    diagnostics.push({ code, severity: "warning", object: refOf(root), path: `${path}.delegate`, message });
  if (!found) {
    report(
      "delegate-missing",
      `delegates to VirtualService ${home}/${target.name}, which is not there or has hosts of its own`,
    );
    return [];
  }
  const visibility = visibilityOf(found.spec.exportTo, meshConfigOf(read).defaultVirtualServiceExportTo, home);
  if (!isVisibleTo(visibility, namespace)) {
    report(
      "delegate-not-visible",
      `delegates to VirtualService ${home}/${target.name}, which is not exported to namespace ${namespace}`,
    );
    return [];
  }
  return (found.spec.http ?? []).flatMap((leaf, index) => {
    const rule = mergeDelegateRoute(resolveHosts(route, namespace), resolveHosts(leaf, home));
    if (!rule)
      report(
        "delegate-conflict",
        `route ${index} of VirtualService ${home}/${target.name} matches what this route does not, and is left out`,
      );
    return rule ? [{ rule, source: refOf(found), path: `spec.http[${index}]` }] : [];
  });
}

/** Keyed by the object as a value: a change of one leaves the others of its namespace alone. */
const resolved: Query<ConfigObject<"VirtualService">, ResolvedVirtualService> = {
  name: "virtual-service",
  key: (object) => object,
  compute(read, object) {
    const { namespace, name } = object.metadata;
    const source = refOf(object);
    const { spec } = object;
    const diagnostics: Diagnostic[] = [];
    const placed = <R extends object>(rules: readonly R[] | undefined, field: string): Placed<R>[] =>
      (rules ?? []).map((rule, index) => ({
        rule: resolveHosts(rule, namespace),
        source,
        path: `spec.${field}[${index}]`,
      }));
    return {
      object,
      name,
      namespace,
      creationTime: object.metadata.creationTimestamp,
      // Names of the Gateway API are in full: one without a dot is no service's.
      hosts: isGatewayApiRoute(object)
        ? (spec.hosts ?? [])
        : (spec.hosts ?? []).map((host) => resolveShortHost(host, namespace, CLUSTER_DOMAIN)),
      gateways:
        spec.gateways && spec.gateways.length > 0
          ? spec.gateways.map((gateway) => gatewayName(gateway, namespace))
          : ["mesh"],
      http: placed(spec.http, "http").flatMap((one, index) =>
        one.rule.delegate ? delegateRoutes(read, object, spec.http?.[index] ?? one.rule, one.path, diagnostics) : [one],
      ),
      tls: placed(spec.tls, "tls"),
      tcp: placed(spec.tcp, "tcp"),
      visibility: visibilityOf(spec.exportTo, meshConfigOf(read).defaultVirtualServiceExportTo, namespace),
      diagnostics,
    };
  },
  equal: (a, b) => a.object === b.object && a.visibility === b.visibility && sameRules(a.http, b.http),
};

function sameRules(a: readonly Placed<HttpRoute>[], b: readonly Placed<HttpRoute>[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** One pass for all gateways: a mesh may have a thousand of each. */
const gatewayIndex: Query<void, ReadonlyMap<string, readonly ResolvedVirtualService[]>> = {
  name: "virtual-services-by-gateway",
  key: () => "",
  compute(read) {
    const index = new Map<string, ResolvedVirtualService[]>();
    for (const service of read.ask(all, undefined))
      for (const gateway of new Set(service.gateways)) {
        const list = index.get(gateway) ?? [];
        index.set(gateway, list);
        list.push(service);
      }
    return index;
  },
};

const byGateway: Query<string, readonly ResolvedVirtualService[]> = {
  name: "virtual-services-of-gateway",
  key: (gateway) => gateway,
  compute: (read, gateway) => read.ask(gatewayIndex, undefined).get(gateway) ?? [],
  equal: sameMembers,
};

const all: Query<void, readonly ResolvedVirtualService[]> = {
  name: "virtual-services",
  key: () => "",
  compute: (read) =>
    (read.bucket("configNamespaces", "VirtualService") ?? [])
      .flatMap(
        (namespace) =>
          [...(read.bucket("config", `VirtualService/${namespace}`) ?? [])] as ConfigObject<"VirtualService">[],
      )
      .filter((object) => (object.spec.hosts ?? []).length > 0)
      .map((object) => read.ask(resolved, object))
      .sort(byAge),
  equal: sameMembers,
};

/**
 * The VirtualServices of a gateway (`mesh` or `namespace/name`) that the node's namespace sees. In this order, oldest
 * first in each: those of its own namespace that nobody else sees, those exported to it, those that everybody sees.
 * Source: Istio `PushContext.VirtualServicesForGateway`.
 */
export function virtualServicesOf(read: Reader, gateway: string): readonly ResolvedVirtualService[] {
  const candidates = read.ask(byGateway, gateway);
  const restricted = candidates.filter((service) => service.visibility !== "public");
  if (restricted.length === 0) return ownRoutesFirst(read, candidates);
  const namespace = namespaceAmong(
    read,
    restricted.flatMap(({ visibility }) => (typeof visibility === "object" ? [...visibility] : [])),
  );
  const seen = restricted.filter((service) => isVisibleTo(service.visibility, namespace));
  return [
    ...seen.filter((service) => service.namespace === namespace),
    ...seen.filter((service) => service.namespace !== namespace),
    ...ownRoutesFirst(
      read,
      candidates.filter((service) => service.visibility === "public"),
    ),
  ];
}

const ROUTE_SEMANTICS = "internal.istio.io/route-semantics";

function isGatewayApiRoute({ metadata }: ConfigObject<"VirtualService">): boolean {
  return metadata.annotations[ROUTE_SEMANTICS] === "gateway";
}

/**
 * Routes of the Gateway API in the client's own namespace go before those of the service's ("consumer routes"). Source:
 * Gateway API, GEP-1426.
 */
function ownRoutesFirst(read: Reader, services: readonly ResolvedVirtualService[]): readonly ResolvedVirtualService[] {
  const routes = services.filter(({ object }) => isGatewayApiRoute(object));
  if (routes.length === 0) return services;
  const namespace = namespaceAmong(
    read,
    routes.map((route) => route.namespace),
  );
  const own = new Set(routes.filter((route) => route.namespace === namespace));
  return own.size === 0 ? services : [...own, ...services.filter((service) => !own.has(service))];
}

/** All VirtualServices that have hosts, whoever sees them; the oldest first. */
export function allVirtualServices(read: Reader): readonly ResolvedVirtualService[] {
  return read.ask(all, undefined);
}

/** What is wrong between VirtualServices and their delegates. */
export function virtualServiceDiagnostics(read: Reader): readonly Diagnostic[] {
  return read.ask(all, undefined).flatMap((service) => [...service.diagnostics]);
}
