import type { Listener, ListenerPredicate } from "../envoy.ts";
import type { Connection } from "../subject.ts";

/** What listener filters find out about a connection before a filter chain is chosen. */
export interface Inspected {
  readonly transportProtocol: string;
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
}

function holds(predicate: ListenerPredicate, port: number): boolean {
  if (predicate.anyMatch) return true;
  if (predicate.notMatch) return !holds(predicate.notMatch, port);
  if (predicate.orMatch) return (predicate.orMatch.rules ?? []).some((rule) => holds(rule, port));
  if (predicate.andMatch) return (predicate.andMatch.rules ?? []).every((rule) => holds(rule, port));
  const range = predicate.destinationPortRange;
  return range !== undefined && port >= (range.start ?? 0) && port < (range.end ?? 0);
}

type Inspector = "tls_inspector" | "http_inspector";
type ListenerFilter = NonNullable<Listener["listenerFilters"]>[number];

const inspectors = new WeakMap<Listener, Readonly<Record<Inspector, ListenerFilter | undefined>>>();

function runs(listener: Listener, inspector: Inspector, port: number): boolean {
  let known = inspectors.get(listener);
  if (known === undefined) {
    const find = (name: Inspector) =>
      listener.listenerFilters?.find(
        ({ name: own, typedConfig }) =>
          own === `envoy.filters.listener.${name}` || typedConfig?.["@type"]?.includes(`.filters.listener.${name}.`),
      );
    known = { tls_inspector: find("tls_inspector"), http_inspector: find("http_inspector") };
    inspectors.set(listener, known);
  }
  const filter = known[inspector];
  return filter !== undefined && !(filter.filterDisabled && holds(filter.filterDisabled, port));
}

/**
 * Runs the inspectors. Without the TLS inspector every connection counts as `raw_buffer` and neither SNI nor ALPN is
 * seen; the HTTP inspector sets the application protocol of plain HTTP.
 */
export function inspect(listener: Listener, connection: Connection): Inspected {
  const { port } = connection.destination;
  if (connection.tls && runs(listener, "tls_inspector", port))
    return {
      transportProtocol: "tls",
      serverName: connection.sni.toLowerCase(),
      applicationProtocols: connection.alpn,
    };
  const raw = { transportProtocol: "raw_buffer", serverName: "" };
  if (connection.tls || !runs(listener, "http_inspector", port)) return { ...raw, applicationProtocols: [] };
  const seen = { "http/1.1": ["http/1.1"], "http/2": ["h2c"], tcp: [] }[connection.protocol];
  return { ...raw, applicationProtocols: seen };
}
