import {
  type AnyMessage,
  type HTTPFault,
  type HttpRbac,
  type Permission,
  type Principal,
  type RbacRules,
  type Route,
  type RouteMatch,
  unpack,
  type VirtualHost,
} from "../envoy.ts";
import { fraction } from "../route/fraction.ts";
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
    return {
      ...host,
      domains: [...domains].sort(),
      routes: reachable(routes.filter(({ match }) => !isElsewhere(match, domains))),
    };
  },
  routes: ({ name: _, ...route }) => route,
  weightedClusters: ({ totalWeight: _, ...weighted }) => ({ ...weighted, clusters: proportions(weighted.clusters) }),
  rules: (fields) => ("policies" in fields || "action" in fields ? rulesOf(fields as RbacRules) : fields),
};

/** What is tried without being enforced. */
const TRIED = new Set(["shadowRules", "shadowRulesStatPrefix", "shadowMatcher"]);
/** Lists whose order says nothing. */
const SETS = new Set(["virtualHosts", "lbEndpoints", "serverNames", "prefixRanges", "resourceNames"]);

const FILTERS = new Set(["filters", "httpFilters"]);

/** Whether a filter is one of authorization that holds nobody back. */
function letsAllOn({ typedConfig }: { readonly typedConfig?: AnyMessage }): boolean {
  if (!typedConfig?.["@type"].endsWith(".RBAC")) return false;
  const { rules, matcher } = typedConfig as unknown as HttpRbac;
  if (matcher) return false;
  if (rules === undefined || rules.action === "LOG") return true;
  const policies = Object.values(rules.policies ?? {});
  if (rules.action === "DENY") return policies.length === 0;
  return policies.some(
    ({ permissions = [], principals = [] }) => permissions.some(isAnything) && principals.some(isAnybody),
  );
}

const isAnything = ({ any, andRules, orRules }: Permission): boolean =>
  any === true || (andRules?.rules?.every(isAnything) ?? false) || (orRules?.rules?.some(isAnything) ?? false);

const isAnybody = ({ any, andIds, orIds }: Principal): boolean =>
  any === true || (andIds?.ids?.every(isAnybody) ?? false) || (orIds?.ids?.some(isAnybody) ?? false);

function reduced(value: unknown, field: string): unknown {
  if (Array.isArray(value)) {
    const all = (FILTERS.has(field) ? value.filter((one) => !letsAllOn(one)) : value).map((one) => reduced(one, field));
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

/** Whether a route asks for an authority that is none of its virtual host's: no request that gets there has it. */
function isElsewhere({ headers = [] }: RouteMatch = {}, domains: readonly string[]): boolean {
  return headers.some(({ name, stringMatch, invertMatch }) => {
    if (name !== ":authority" || invertMatch || !stringMatch) return false;
    const { exact, prefix } = stringMatch;
    const bare = (text: string) => text.toLowerCase().replace(/:\d+$/, "");
    if (exact !== undefined) return !domains.some((domain) => domainTakes(bare(domain), bare(exact)));
    if (prefix === undefined || domains.some((domain) => domain.includes("*"))) return false;
    // A prefix may go on into the port.
    return !domains.some((domain) => bare(domain).startsWith(bare(prefix)) || bare(prefix).startsWith(bare(domain)));
  });
}

function domainTakes(domain: string, host: string): boolean {
  if (domain === "*") return true;
  if (domain.startsWith("*")) return host.endsWith(domain.slice(1));
  return domain.endsWith("*") ? host.startsWith(domain.slice(0, -1)) : domain === host;
}

/** Routes that an earlier one of an equal match, or of any request, leaves nothing to are not there. */
function reachable(routes: readonly Route[]): readonly Route[] {
  const seen = new Set<string>();
  const kept: Route[] = [];
  for (const route of routes) {
    const { match = {} } = route;
    const text = canonicalText(match);
    if (seen.has(text)) continue;
    kept.push(isAborted(route) ? { ...route, route: {} } : route);
    if (match.runtimeFraction !== undefined) continue;
    seen.add(text);
    const { caseSensitive: _, ...rest } = match;
    if (canonicalText(rest) === '{"prefix":"/"}') break;
  }
  return kept;
}

/** Whether a fault answers every request that takes the route: it leads nowhere. */
function isAborted({ route, typedPerFilterConfig = {} }: Route): boolean {
  const fault = unpack<HTTPFault>(
    Object.values(typedPerFilterConfig).find((one) =>
      one["@type"].endsWith("/envoy.extensions.filters.http.fault.v3.HTTPFault"),
    ),
    "envoy.extensions.filters.http.fault.v3.HTTPFault",
  );
  const percentage = fault?.abort?.percentage;
  if (route === undefined || percentage === undefined || fault?.headers?.length || fault?.upstreamCluster) return false;
  const { numerator, denominator } = fraction(percentage);
  return numerator >= denominator;
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
