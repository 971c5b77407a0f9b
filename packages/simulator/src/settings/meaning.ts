import type { RbacRules, Route, VirtualHost } from "../envoy.ts";
import { canonicalText, sortedByText, stripped } from "./strip.ts";

/**
 * A resource as far as it can decide what becomes of requests: without names that only people read, without what is counted, logged and
 * traced, and with one way to write what means the same (order of sets, weights of one proportion, routes that an equal or wider one
 * before them leaves nothing to). Equal texts are equal behaviour.
 */
export function meaningOf(resource: object): string {
  return canonicalText(reduced(stripped(resource), ""));
}

type Fields = Readonly<Record<string, unknown>>;

/** Objects that are known by the field they are in: what to leave out of them, and how to write them one way. */
const SHAPES: Readonly<Record<string, (fields: Fields) => unknown>> = {
  filterChains: ({ name: _, ...chain }) => chain,
  defaultFilterChain: ({ name: _, ...chain }) => chain,
  virtualHosts: ({ name: _, ...host }) => {
    const { domains = [], routes = [] } = host as VirtualHost;
    return { ...host, domains: [...domains].sort(), routes: reachable(routes) };
  },
  routes: ({ name: _, ...route }) => route,
  weightedClusters: ({ totalWeight: _, ...weighted }) => ({ ...weighted, clusters: proportions(weighted.clusters) }),
  rules: (fields) => ("policies" in fields || "action" in fields ? rulesOf(fields as RbacRules) : fields),
};

/** What is tried without being enforced. */
const TRIED = new Set(["shadowRules", "shadowRulesStatPrefix", "shadowMatcher"]);
/** Lists whose order says nothing. */
const SETS = new Set(["virtualHosts", "lbEndpoints", "serverNames", "prefixRanges", "resourceNames"]);

function reduced(value: unknown, field: string): unknown {
  if (Array.isArray(value)) {
    const all = value.map((one) => reduced(one, field));
    return SETS.has(field) ? sortedByText(all) : all;
  }
  if (typeof value !== "object" || value === null) return value;
  const shape = SHAPES[field];
  const known = (shape ? shape(value as Fields) : value) as Fields | readonly unknown[];
  if (Array.isArray(known)) return known;
  return Object.fromEntries(
    Object.entries(known).flatMap(([key, child]) => (TRIED.has(key) ? [] : [[key, reduced(child, key)]])),
  );
}

/** Routes that an earlier one of an equal match, or of any request, leaves nothing to are not there. */
function reachable(routes: readonly Route[]): readonly Route[] {
  const seen = new Set<string>();
  const kept: Route[] = [];
  for (const route of routes) {
    const { match = {} } = route;
    const text = canonicalText(match);
    if (seen.has(text)) continue;
    kept.push(route);
    if (match.runtimeFraction !== undefined) continue;
    seen.add(text);
    const { caseSensitive: _, ...rest } = match;
    if (canonicalText(rest) === '{"prefix":"/"}') break;
  }
  return kept;
}

function proportions(clusters: unknown): unknown {
  const list = (clusters as readonly { weight?: number | string }[] | undefined) ?? [];
  const weights = list.map(({ weight = 0 }) => Number(weight));
  const common = weights.reduce(divisor, 0) || 1;
  return list.flatMap((one, index) => {
    const weight = weights[index] ?? 0;
    return weight === 0 ? [] : [{ ...one, weight: weight / common }];
  });
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Any policy may hold: their names and order say nothing. */
function rulesOf({ action = "ALLOW", policies = {} }: RbacRules): unknown {
  const all = Object.values(policies).map(({ permissions = [], principals = [], ...rest }) => ({
    ...rest,
    permissions: [...new Set(permissions.map(canonicalText))].sort(),
    principals: [...new Set(principals.map(canonicalText))].sort(),
  }));
  return { action, policies: [...new Set(all.map(canonicalText))].sort() };
}
