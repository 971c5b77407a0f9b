import type { Report } from "../../validation/report.ts";
import type { HttpMatch, StringMatch } from "./http-match.ts";
import type { VirtualService } from "./schema.ts";

/** Warns of rules that no request can reach, as the webhook does; the exact analysis is in `@fairlead/analysis`. */
export function warnUnreachable(spec: VirtualService, report: Report): void {
  warnDuplicates(spec.http ?? [], report.at("http"));
  warnDuplicates(spec.tcp ?? [], report.at("tcp"));
  warnDuplicates(spec.tls ?? [], report.at("tls"));
  warnCoveredPrefixes(spec, report);
}

interface Route {
  readonly name?: string;
  readonly match?: readonly object[];
}

function routeName(route: Route | undefined, index: number): string {
  return route?.name ? JSON.stringify(route.name) : `#${index}`;
}

function warnDuplicates(routes: readonly Route[], report: Report): void {
  const seen = new Map<string, number>();
  let catchAll: number | undefined;
  for (const [index, route] of routes.entries()) {
    const unreachable = (reason: string) =>
      report.at(index).warning("unreachable-rule", `rule ${routeName(route, index)} is never used: ${reason}`);
    const matches = route.match ?? [];
    if (matches.length === 0) {
      if (catchAll !== undefined) unreachable("only the last rule can be without matches");
      catchAll = index;
      continue;
    }
    let duplicates = 0;
    for (const [matchIndex, match] of matches.entries()) {
      if (catchAll !== undefined) {
        unreachable(`rule ${routeName(routes[catchAll], catchAll)} before it matches everything`);
        continue;
      }
      const key = canonical({ ...match, name: undefined });
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, index);
      else {
        duplicates++;
        report
          .at(index, "match", matchIndex)
          .warning("ineffective-match", `the same match is in rule ${routeName(routes[earlier], earlier)}`);
      }
    }
    if (duplicates === matches.length) unreachable("all its matches are in rules before it");
  }
}

/** JSON with sorted keys, so that equal matches have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function summary(match: StringMatch | undefined): string {
  return match?.exact ? `exact:${match.exact}` : match?.prefix ? `prefix:${match.prefix}` : "";
}

function coveredMap(
  a: Readonly<Record<string, StringMatch>> = {},
  b: Readonly<Record<string, StringMatch>> = {},
): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && summary(a[key]).startsWith(summary(b[key])))
  );
}

/** Whether every request of `later` is one of `earlier`, going by prefixes; upstream's rule, which errs on both sides. */
function covers(earlier: HttpMatch, later: HttpMatch): boolean {
  const method = (match: HttpMatch) => summary(match.method) || "exact:GET";
  return (
    (later.uri?.prefix ?? "").startsWith(earlier.uri?.prefix ?? "") &&
    (later.port ?? 0) === (earlier.port ?? 0) &&
    method(earlier).startsWith(method(later)) &&
    summary(earlier.authority).startsWith(summary(later.authority)) &&
    coveredMap(earlier.headers, later.headers) &&
    coveredMap(earlier.queryParams, later.queryParams) &&
    coveredMap(earlier.withoutHeaders, later.withoutHeaders)
  );
}

function warnCoveredPrefixes(spec: VirtualService, report: Report): void {
  /** Prefix to the matches that have it, of those looked at so far. */
  const byPrefix = new Map<string, { rule: number; match: HttpMatch }[]>();
  const encountered = new Set<string>();
  for (const [rule, route] of (spec.http ?? []).entries()) {
    if (!route.match?.length) return;
    for (const [index, match] of route.match.entries()) {
      const prefix = match.uri?.prefix;
      const key = canonical({ ...match, name: undefined });
      if (!prefix || encountered.has(key)) continue;
      encountered.add(key);
      for (let length = 1; length < prefix.length; length++)
        for (const earlier of byPrefix.get(prefix.slice(0, length)) ?? [])
          if (covers(earlier.match, match))
            report
              .at("http", rule, "match", index)
              .warning(
                "ineffective-match",
                `prefix ${prefix} is covered by prefix ${earlier.match.uri?.prefix} in rule ${routeName(spec.http?.[earlier.rule], earlier.rule)}`,
              );
      byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), { rule, match }]);
    }
  }
}
