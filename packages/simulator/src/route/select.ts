import type { ClusterWeight, Route, RouteConfiguration, VirtualHost } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { type Draw, shareOf } from "./random.ts";
import { type CompiledRoute, compileRoute, describeRoute, routeMatches, whyNot } from "./route-match.ts";
import { findVirtualHost, indexVirtualHosts, type VirtualHostIndex, withoutPort } from "./virtual-host.ts";

/** A route that a share of the requests takes, and the weighted cluster within. */
export interface Selection {
  readonly share: number;
  /** Undefined: no route matches. */
  readonly compiled: CompiledRoute | undefined;
  readonly weighted?: ClusterWeight;
}

const indexes = new WeakMap<RouteConfiguration, VirtualHostIndex>();

/** The virtual host of a request. */
export function selectVirtualHost(
  configuration: RouteConfiguration,
  subject: HttpSubject,
  tracer?: Tracer,
): VirtualHost | undefined {
  let index = indexes.get(configuration);
  if (index === undefined) {
    index = indexVirtualHosts(configuration);
    indexes.set(configuration, index);
  }
  const header = configuration.vhostHeader?.toLowerCase();
  const authority = subject.headers.get(header ?? ":authority") ?? "";
  const host = configuration.ignorePortInHostMatching ? withoutPort(authority) : authority;
  const found = findVirtualHost(index, host);
  if (tracer) {
    if (found) tracer.add("virtual host", found.host.name ?? "", true, `${host} matches ${found.domain}`, found.host);
    else {
      const known = (configuration.virtualHosts ?? []).flatMap(({ domains = [] }) => domains.slice(0, 1));
      const list = known.length === 0 ? "none" : `${known.slice(0, 10).join(", ")}${known.length > 10 ? ", …" : ""}`;
      tracer.add(
        "virtual host",
        host,
        false,
        `no virtual host of ${configuration.name ?? "the routes"} has this domain; known: ${list}`,
      );
    }
  }
  return found?.host;
}

const compiledHosts = new WeakMap<VirtualHost, readonly CompiledRoute[]>();

function compiledRoutes(host: VirtualHost): readonly CompiledRoute[] {
  let compiled = compiledHosts.get(host);
  if (compiled === undefined) {
    compiled = (host.routes ?? []).map(compileRoute);
    compiledHosts.set(host, compiled);
  }
  return compiled;
}

/** The routes that the requests take, in order: one, or several where runtime fractions share them out. */
export function selectRoutes(host: VirtualHost, subject: HttpSubject, tracer?: Tracer): readonly Selection[] {
  const selections: Selection[] = [];
  const draws: Draw[] = [];
  for (const compiled of compiledRoutes(host)) {
    if (!routeMatches(compiled, subject)) {
      tracer?.add("route", describeRoute(compiled), false, whyNot(compiled, subject), places(compiled));
      continue;
    }
    const { fraction } = compiled;
    const all = fraction === undefined || fraction.numerator >= fraction.denominator;
    const reason = all ? "matches" : `matches, for ${fraction.numerator} of ${fraction.denominator} requests`;
    tracer?.add("route", describeRoute(compiled), true, reason, places(compiled));
    const taken = all ? draws : [...draws, { modulus: fraction.denominator, from: 0, to: fraction.numerator }];
    selections.push(...weightedSelections(compiled, taken, subject, tracer));
    if (all) return selections;
    draws.push({ modulus: fraction.denominator, from: fraction.numerator, to: fraction.denominator });
  }
  const share = shareOf(draws);
  if (share > 0) {
    selections.push({ share, compiled: undefined });
    tracer?.add(
      "route",
      "none",
      false,
      `no route of ${host.name ?? "the virtual host"} matches ${selections.length > 1 ? "the rest" : "the request"}`,
    );
  }
  return selections;
}

/** A route is found at its match, which of several decided, else at the rule as a whole. */
const places = ({ route }: CompiledRoute): readonly object[] => (route.match ? [route.match, route] : [route]);

function weightedSelections(
  compiled: CompiledRoute,
  draws: readonly Draw[],
  subject: HttpSubject,
  tracer?: Tracer,
): readonly Selection[] {
  const weighted = (compiled.route as Route).route?.weightedClusters;
  if (weighted === undefined) return [{ share: shareOf(draws), compiled }];
  const clusters = weighted.clusters ?? [];
  const total = clusters.reduce((sum, { weight = 0 }) => sum + weight, 0);
  const fixed =
    weighted.headerName && Number.parseInt(subject.headers.get(weighted.headerName.toLowerCase()) ?? "", 10);
  let from = 0;
  return clusters.flatMap((cluster) => {
    const to = from + (cluster.weight ?? 0);
    const chosen =
      typeof fixed === "number" && Number.isFinite(fixed)
        ? fixed % total >= from && fixed % total < to
          ? shareOf(draws)
          : 0
        : shareOf([...draws, { modulus: total, from, to }]);
    from = to;
    tracer?.add(
      "weighted cluster",
      cluster.name ?? cluster.clusterHeader ?? "",
      chosen > 0,
      `weight ${cluster.weight ?? 0} of ${total}`,
      cluster,
    );
    return chosen > 0 ? [{ share: chosen, compiled, weighted: cluster }] : [];
  });
}
