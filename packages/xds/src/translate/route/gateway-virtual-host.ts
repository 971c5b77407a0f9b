import { identityOf, type Query, type Reader } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { Route, VirtualHost } from "../../proto/types.ts";
import { hostWithPort } from "./domain.ts";
import { isCatchAll } from "./match.ts";
import type { Part } from "./part.ts";
import { proxyHeadersOf } from "./proxy-headers.ts";

/** The routes of one host of a gateway, from all VirtualServices that have it. */
export interface GatewayHost {
  /** All hosts that share the routes, the first gives the name. */
  readonly hosts: readonly string[];
  /** Of the server that the first host was found in. */
  readonly port: number;
  readonly routes: readonly Part<readonly Route[]>[];
  readonly requireTls: boolean;
}

/** What tells hosts with different answers apart. */
export function contentKey({ routes, requireTls }: Pick<GatewayHost, "routes" | "requireTls">): string {
  if (routes.length === 1) return `${requireTls}|${identityOf(routes[0] as Part<readonly Route[]>)}`;
  return `${requireTls}|${routes.map(identityOf).join()}`;
}

const gatewayHost: Query<GatewayHost, Part<VirtualHost>> = {
  name: "gateway-virtual-host",
  key: (host) => `${host.port}|${host.hosts.join()}|${contentKey(host)}`,
  compute(read, { hosts, port, routes, requireTls }) {
    const { attemptCount } = proxyHeadersOf(read);
    const [only, ...others] = routes;
    const all = others.length === 0 ? (only?.value ?? []) : routes.flatMap(({ value }) => value);
    const value: VirtualHost = shared({
      name: hostWithPort(hosts[0] ?? "", port),
      domains: [...hosts],
      ...(all.length > 0 ? { routes: lastCatchAlls(all) } : {}),
      ...(requireTls ? { requireTls: "ALL" as const } : {}),
      ...(attemptCount ? { includeRequestAttemptCount: true } : {}),
    });
    if (only && others.length === 0) return { ...only, value };
    return {
      value,
      marks: routes.flatMap(({ marks }) => marks),
      sources: routes.flatMap(({ sources }) => sources),
      diagnostics: routes.flatMap(({ diagnostics }) => diagnostics),
      patches: routes.flatMap(({ patches }) => patches),
    };
  },
};

/** The virtual host; the same object as long as the routes are. */
export function gatewayVirtualHost(read: Reader, host: GatewayHost): Part<VirtualHost> {
  return read.ask(gatewayHost, host);
}

/** Routes that take everything go behind those of the other VirtualServices. */
function lastCatchAlls(routes: readonly Route[]): Route[] {
  const others: Route[] = [];
  const catchAlls: Route[] = [];
  for (const route of routes) (isCatchAll(route.match ?? {}) ? catchAlls : others).push(route);
  return others.concat(catchAlls);
}
