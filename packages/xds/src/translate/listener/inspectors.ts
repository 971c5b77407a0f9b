import type { FilterChain, ListenerFilterChainMatchPredicate, ListenerListenerFilter } from "../../proto/types.ts";
import { HTTP_INSPECTOR, TLS_INSPECTOR } from "./static-filters.ts";

/** What clients of plain HTTP are told apart by. */
export const PLAINTEXT_HTTP_ALPN: readonly string[] = ["http/1.1", "h2c"];

interface Needs {
  tls: boolean;
  http: boolean;
}

/** What must be looked at before a chain can be chosen, by destination port (0: any other port). */
function needsByPort(chains: readonly FilterChain[]): ReadonlyMap<number, Needs> {
  const found = new Map<number, Needs>();
  for (const { filterChainMatch = {} } of chains) {
    const port = filterChainMatch.destinationPort ?? 0;
    const needs = found.get(port) ?? { tls: false, http: false };
    found.set(port, needs);
    needs.tls ||= filterChainMatch.transportProtocol === "tls";
    needs.http ||= (filterChainMatch.applicationProtocols ?? []).some((name) => PLAINTEXT_HTTP_ALPN.includes(name));
  }
  return found;
}

/**
 * The inspectors that the chains need, switched off on ports where none of them does: looking delays protocols in which
 * the server speaks first. TLS comes first, as what is TLS is not looked at for HTTP.
 */
export function inspectors(chains: readonly FilterChain[]): ListenerListenerFilter[] {
  const needs = needsByPort(chains);
  const ports = (test: (needs: Needs, port: number) => boolean) =>
    [...needs]
      .filter(([port, of]) => test(of, port))
      .map(([port]) => port)
      .sort((a, b) => a - b);
  const filters: ListenerListenerFilter[] = [];
  if (ports((of) => of.tls).length > 0) {
    const everywhere = needs.get(0)?.tls ?? false;
    const listed = ports((of, port) => port !== 0 && of.tls !== everywhere);
    const filterDisabled =
      listed.length === 0 ? undefined : everywhere ? onPorts(listed) : { notMatch: onPorts(listed) };
    filters.push(filterDisabled ? { ...TLS_INSPECTOR, filterDisabled } : TLS_INSPECTOR);
  }
  if (ports((of) => of.http).length > 0) {
    const off = ports((of) => !of.http);
    filters.push(off.length === 0 ? HTTP_INSPECTOR : { ...HTTP_INSPECTOR, filterDisabled: onPorts(off) });
  }
  return filters;
}

function onPorts(ports: readonly number[]): ListenerFilterChainMatchPredicate {
  const [first, ...others] = ports.map((port) => ({
    destinationPortRange: port === 0 ? { end: 1 } : { start: port, end: port + 1 },
  }));
  return others.length === 0 ? { ...first } : { orMatch: { rules: first ? [first, ...others] : [] } };
}
