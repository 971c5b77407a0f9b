import type { HttpMatch, HttpRoute, StringMatch } from "@fairlead/config";

type Matches = readonly HttpMatch[] | undefined;

/**
 * A delegate's route under the root route that delegates to it, or undefined when no match of the delegate lies within
 * the root's. The delegate's own settings win over the root's. Source: Istio API, `HTTPRoute.delegate`.
 */
export function mergeDelegateRoute(root: HttpRoute, route: HttpRoute): HttpRoute | undefined {
  const match = mergeMatches(root.match, route.match);
  if (match === "conflict") return undefined;
  const { delegate: _, match: __, ...inherited } = root;
  const name = root.name && route.name ? `${root.name}-${route.name}` : route.name || root.name;
  const { match: ___, ...own } = route;
  return { ...inherited, ...own, ...(name ? { name } : {}), ...(match ? { match } : {}) } as HttpRoute;
}

function mergeMatches(root: Matches, delegate: Matches): Matches | "conflict" {
  if (!root || root.length === 0) return delegate;
  if (!delegate || delegate.length === 0) return root;
  const merged: HttpMatch[] = [];
  for (const leaf of delegate) {
    const parents = root.filter((parent) => !conflicts(parent, leaf));
    if (parents.length === 0) return "conflict";
    merged.push(...parents.map((parent) => mergeMatch(parent, leaf)));
  }
  return merged;
}

function mergeMatch(root: HttpMatch, leaf: HttpMatch): HttpMatch {
  const name = root.name && leaf.name ? `${root.name}-${leaf.name}` : leaf.name || root.name;
  const maps: Record<string, unknown> = {};
  for (const field of ["headers", "withoutHeaders", "queryParams", "sourceLabels"] as const)
    if (root[field] || leaf[field]) maps[field] = { ...root[field], ...leaf[field] };
  const gateways = leaf.gateways && leaf.gateways.length > 0 ? leaf.gateways : root.gateways;
  return {
    ...root,
    ...leaf,
    ...maps,
    ...(name ? { name } : {}),
    ...(gateways ? { gateways } : {}),
  } as HttpMatch;
}

function conflicts(root: HttpMatch, leaf: HttpMatch): boolean {
  for (const field of ["uri", "scheme", "method", "authority"] as const)
    if (stringConflict(root[field], leaf[field])) return true;
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const)
    for (const [key, value] of Object.entries(leaf[field] ?? {}))
      if (stringConflict(root[field]?.[key], value)) return true;
  if ((root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false)) return true;
  if (root.port && leaf.port && root.port !== leaf.port) return true;
  if (root.sourceNamespace && leaf.sourceNamespace !== root.sourceNamespace) return true;
  for (const [key, value] of Object.entries(leaf.sourceLabels ?? {})) {
    const wanted = root.sourceLabels?.[key];
    if (wanted !== undefined && wanted !== value) return true;
  }
  const outer = root.gateways ?? [];
  const inner = leaf.gateways ?? [];
  return outer.length > 0 && inner.length > 0 && !inner.every((gateway) => outer.includes(gateway));
}

/** Whether the leaf may match something that the root does not. Regular expressions are comparable with nothing. */
function stringConflict(root: StringMatch | undefined, leaf: StringMatch | undefined): boolean {
  if (!root || !leaf) return false;
  const outer = root as { exact?: string; prefix?: string; regex?: string };
  const inner = leaf as { exact?: string; prefix?: string; regex?: string };
  if (outer.regex || inner.regex)
    return Boolean((outer.regex || outer.prefix || outer.exact) && (inner.regex || inner.prefix || inner.exact));
  if (outer.exact) return inner.exact !== outer.exact;
  if (outer.prefix) return !(inner.prefix ?? inner.exact ?? "").startsWith(outer.prefix);
  return true;
}
