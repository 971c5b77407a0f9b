import type { FilterChain, Listener } from "../envoy.ts";
import type { Tracer } from "../trace.ts";
import { canonicalText, stripped } from "./strip.ts";

/** What one resource on the way of a request says besides where it goes: timeouts, balancing, health, transport, filters. */
export interface Setting {
  /** `listener`, `filter chain`, `virtual host`, `route`, `weighted cluster`, `cluster`, `endpoints`, `mirror`, `mirror endpoints`; at the callee with `callee ` before it. */
  readonly place: string;
  /** The resource's name; that of a cluster for its endpoints. */
  readonly name: string;
  readonly value: object;
}

/** The fields of each place that its parts and the answer's other fields say. */
const ELSEWHERE: Readonly<Record<string, ReadonlySet<string>>> = {
  listener: new Set([
    "name",
    "address",
    "additionalAddresses",
    "bindToPort",
    "filterChains",
    "defaultFilterChain",
    "useOriginalDst",
  ]),
  "filter chain": new Set(["name", "filterChainMatch", "metadata"]),
  "virtual host": new Set(["name", "domains", "routes", "requireTls"]),
  route: new Set(["name", "match"]),
  "weighted cluster": new Set(["name", "weight"]),
  cluster: new Set(["name", "loadAssignment", "edsClusterConfig"]),
  endpoints: new Set(["clusterName"]),
  mirror: new Set(["name", "loadAssignment", "edsClusterConfig"]),
  "mirror endpoints": new Set(["clusterName"]),
};

const values = new WeakMap<object, object>();

/** One place without what is said elsewhere; made once for a node. */
function settingValue(place: string, node: object): object {
  let value = values.get(node);
  if (value === undefined) {
    const read = { "filter chain": withoutRoutes, listener: withoutInspectors }[place] ?? ((given: object) => given);
    value = stripped(read(node), ELSEWHERE[place]) as object;
    if (place === "route") value = withoutDestination(value as { route?: object });
    values.set(node, value);
  }
  return value;
}

/** Routes and policies show in what becomes of requests. */
function withoutRoutes({ filters, ...chain }: FilterChain): object {
  return { ...chain, filters: byName(filters ?? []) };
}

interface Filter {
  readonly name?: string;
  readonly typedConfig?: object;
}

/** What finds out about connections shows in the filter chain that they get. */
const INSPECTORS = /\.(tls_inspector|http_inspector|original_dst)$/;

function withoutInspectors(listener: object): object {
  const { listenerFilters, ...rest } = listener as Listener;
  const kept = (listenerFilters ?? []).filter(({ name = "" }) => !INSPECTORS.test(name));
  return kept.length > 0 ? { ...rest, listenerFilters: byName(kept) } : rest;
}

/** Filters by name, so that one more is a difference of one more. */
function byName(filters: readonly Filter[]): object {
  const kept = filters.filter(({ typedConfig }) => !typeOf(typedConfig).endsWith(".RBAC"));
  return {
    order: kept.map(({ name }) => name),
    ...Object.fromEntries(
      kept.map(({ name = "", typedConfig, ...rest }, index) => [
        kept.findIndex((one) => one.name === name) === index ? name : `${name} ${index}`,
        { ...(stripped(rest) as object), ...(typedConfig && { typedConfig: bare(typedConfig) }) },
      ]),
    ),
  };
}

const typeOf = (config: object | undefined) => (config as { "@type"?: string } | undefined)?.["@type"] ?? "";

function bare(config: object): object {
  const { httpFilters, ...rest } = config as { httpFilters?: readonly Filter[] };
  const type = typeOf(config);
  const dropped = type.endsWith(".HttpConnectionManager")
    ? ["routeConfig", "rds"]
    : type.endsWith(".TcpProxy")
      ? ["cluster", "weightedClusters"]
      : [];
  return { ...(stripped(rest, new Set(dropped)) as object), ...(httpFilters && { httpFilters: byName(httpFilters) }) };
}

function withoutDestination({ route, ...rest }: { route?: object }): object {
  if (route === undefined) return rest;
  const { cluster: _, weightedClusters: __, ...action } = route as { cluster?: string; weightedClusters?: object };
  return { ...rest, route: action };
}

/** Endpoints that are listed in another order, or are more of the same, show in the shares. */
function endpointValue(node: object): object {
  const { endpoints = [], ...rest } = node as { endpoints?: readonly { lbEndpoints?: readonly object[] }[] };
  const kinds = endpoints.flatMap(({ lbEndpoints = [] }) =>
    lbEndpoints.map((one) => canonicalText(stripped(one, new Set(["loadBalancingWeight"])))),
  );
  return { ...(stripped(rest, ELSEWHERE.endpoints) as object), endpoints: [...new Set(kinds)].sort() };
}

/** A tracer that keeps the settings of what was taken. */
export function collectSettings(): Tracer & {
  readonly settings: () => readonly Setting[];
  /** The resources that were looked at, see `Answer.passed`. */
  readonly passed: () => readonly string[];
} {
  const found: { place: string; kind: string; name: string; node: object }[] = [];
  const passed = new Set<string>();
  const tracer = (prefix: string): Tracer => ({
    enter: (inner) => tracer(inner),
    add(step, rule, matched, _, given) {
      const list: readonly object[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
      const node = step === "route" ? list.at(-1) : list[0];
      if (node === undefined || !matched) return;
      const type = TYPES[step];
      if (!prefix && type) passed.add(`${type} ${nameOf(node)}`);
      if (step in ELSEWHERE) found.push({ place: prefix + step, kind: step, name: rule, node });
    },
  });
  const settings = () =>
    found.map(({ place, kind, name, node }): Setting => {
      const value = kind.endsWith("endpoints") ? endpointValue(node) : settingValue(kind, node);
      // Names of chains and routes are for people.
      return { place, name: TYPES[kind] && kind !== "listener" ? name : "", value };
    });
  return { settings, passed: () => [...passed], ...tracer("") };
}

const TYPES: Readonly<Record<string, string>> = {
  listener: "listeners",
  "route configuration": "routes",
  cluster: "clusters",
  endpoints: "endpoints",
  mirror: "clusters",
  "mirror endpoints": "endpoints",
};

function nameOf(node: object): string {
  const { name, clusterName } = node as { name?: string; clusterName?: string };
  return clusterName ?? name ?? "";
}
