import type { HeaderMatcher, Listener, Route, RouteConfiguration } from "../envoy.ts";
import { compileChain } from "../listener/compiled-chain.ts";
import { exampleOfRegex, exampleText } from "../match/example.ts";
import { headerKey } from "../match/header.ts";
import { pathTest } from "../match/path.ts";
import type { RequestInput } from "../request.ts";
import type { Resources } from "../resources.ts";

/** A request that may be answered differently, and where to connect for it. */
export interface Candidate {
  readonly request: RequestInput;
  readonly at: string;
}

/** An address that no listener has: the listener of any address takes it. RFC 5737. */
const SOMEWHERE = "198.51.100.1";

/**
 * Requests that tell resources apart: for each domain a plain one, and one for each route that is made to match it. They
 * come from the resources of both sides, so that what was added and what was removed are both asked for.
 */
export function candidates(sides: readonly Resources[], isChanged: (routes: string) => boolean): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const resources of sides) {
    const routes = new Map((resources.routes ?? []).map((one) => [one.name ?? "", one]));
    for (const listener of resources.listeners) {
      if (listener.trafficDirection === "INBOUND") continue;
      for (const candidate of ofListener(listener, routes, isChanged)) found.set(JSON.stringify(candidate), candidate);
    }
  }
  return [...found.values()];
}

function ofListener(
  listener: Listener,
  routes: ReadonlyMap<string, RouteConfiguration>,
  isChanged: (routes: string) => boolean,
): readonly Candidate[] {
  const socket = listener.address?.socketAddress;
  const port = socket?.portValue ?? 0;
  const address =
    !socket?.address || socket.address === "0.0.0.0" || socket.address === "::" ? SOMEWHERE : socket.address;
  const at = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const chains = [
    ...(listener.filterChains ?? []),
    ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : []),
  ];
  return chains.flatMap((chain) => {
    const { manager } = compileChain(chain);
    const secure = chain.transportSocket !== undefined || chain.filterChainMatch?.transportProtocol === "tls";
    const [name = ""] = chain.filterChainMatch?.serverNames ?? [];
    const server = name.startsWith("*") ? `witness${name.slice(1)}` : name || "witness.invalid";
    if (!manager) return [{ at, request: { url: `${secure ? "tls" : "tcp"}://${server}:${port}` } }];
    const routeName = manager.rds?.routeConfigName;
    const configuration = manager.routeConfig ?? (routeName === undefined ? undefined : routes.get(routeName));
    if (configuration === undefined || (routeName !== undefined && !isChanged(routeName))) return [];
    return requests(configuration, port, secure ? "https" : "http").map((request) => ({ at, request }));
  });
}

function requests({ virtualHosts = [] }: RouteConfiguration, port: number, scheme: string): readonly RequestInput[] {
  return virtualHosts.flatMap(({ domains = [], routes = [] }) => {
    const domain = domains.find((one) => !one.includes("*")) ?? domains[0] ?? "*";
    const host = domain === "*" ? "witness.invalid" : domain.replace(/^\*/, "witness").replace(/\*$/, "witness");
    const base = `${scheme}://${host.replace(/:\d+$/, "")}:${port}`;
    return [{ url: `${base}/` }, ...routes.flatMap((route) => forRoute(route, base))];
  });
}

/** A request that a route matches, where one can be made. */
function forRoute({ match = {} }: Route, base: string): readonly RequestInput[] {
  const path = pathFor(match);
  if (path === undefined) return [];
  const headers: Record<string, string> = {};
  let method: string | undefined;
  for (const matcher of match.headers ?? []) {
    const value = headerFor(matcher);
    const name = headerKey(matcher.name ?? "");
    if (value === undefined) continue;
    if (name === ":method") method = value;
    else if (name === ":authority") headers.host = value;
    else if (!name.startsWith(":")) headers[name] = value;
  }
  const query = (match.queryParameters ?? []).flatMap(({ name = "", stringMatch, presentMatch }) =>
    presentMatch === false ? [] : [`${name}=${(stringMatch && exampleText(stringMatch)) ?? ""}`],
  );
  const url = `${base}${path}${query.length > 0 ? `?${query.join("&")}` : ""}`;
  return [{ url, ...(method !== undefined && { method }), ...(Object.keys(headers).length > 0 && { headers }) }];
}

function pathFor(match: NonNullable<Route["match"]>): string | undefined {
  const literal = match.path ?? match.pathSeparatedPrefix ?? match.prefix;
  if (literal !== undefined) return literal.startsWith("/") ? literal : `/${literal}`;
  const test = pathTest(match);
  const text = exampleOfRegex(match.safeRegex?.regex ?? "");
  return test && ["/", text, `/${text}`].find((path) => path.startsWith("/") && test.matches(path));
}

function headerFor(matcher: HeaderMatcher): string | undefined {
  if (matcher.invertMatch) return undefined;
  if (matcher.stringMatch) return exampleText(matcher.stringMatch);
  return (
    matcher.exactMatch ??
    matcher.prefixMatch ??
    matcher.suffixMatch ??
    matcher.containsMatch ??
    (matcher.presentMatch === false ? undefined : "witness")
  );
}
