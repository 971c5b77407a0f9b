import type { FilterChain, Listener } from "../envoy.ts";
import type { Connection } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { isLocal, longestMatch } from "./cidr.ts";
import type { Inspected } from "./inspect.ts";

/** What criteria are compared with. */
interface Seen {
  readonly connection: Connection;
  readonly inspected: Inspected;
}

/** One criterion of a filter chain match: the rank of a chain (0: asks for nothing, negative: does not match). */
interface Criterion {
  readonly name: string;
  readonly rank: (match: Match, seen: Seen) => number;
  readonly wanted: (match: Match) => string;
  readonly seen: (seen: Seen) => string;
}

type Match = NonNullable<FilterChain["filterChainMatch"]>;

const NO = -1;

function serverNameRank(wanted: readonly string[] | undefined, serverName: string): number {
  if (!wanted || wanted.length === 0) return 0;
  let best = NO;
  for (const raw of wanted) {
    const name = raw.toLowerCase();
    if (name === serverName) return Number.MAX_SAFE_INTEGER;
    const suffix = name.startsWith("*.") ? name.slice(1) : name.startsWith(".") ? name : undefined;
    if (suffix !== undefined && serverName.length > suffix.length && serverName.endsWith(suffix))
      best = Math.max(best, suffix.length);
  }
  return best;
}

function rangeRank(ranges: Parameters<typeof longestMatch>[1] | undefined, address: string): number {
  if (!ranges || ranges.length === 0) return 0;
  const length = longestMatch(address, ranges);
  return length < 0 ? NO : length + 1;
}

function oneOf<T>(wanted: readonly T[] | undefined, seen: T): number {
  return !wanted || wanted.length === 0 ? 0 : wanted.includes(seen) ? 1 : NO;
}

const rangeWords = (list: Match["prefixRanges"]) =>
  (list ?? []).map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen ?? 0}`).join(", ");
const comesFromHere = ({ connection: { source, destination } }: Seen) => isLocal(source.address, destination.address);

/** In the order in which Envoy looks at them. */
const CRITERIA: readonly Criterion[] = [
  {
    name: "destination port",
    rank: ({ destinationPort }, { connection }) =>
      destinationPort === undefined ? 0 : destinationPort === connection.destination.port ? 1 : NO,
    wanted: ({ destinationPort }) => String(destinationPort ?? ""),
    seen: ({ connection }) => String(connection.destination.port),
  },
  {
    name: "destination address",
    rank: ({ prefixRanges }, { connection }) => rangeRank(prefixRanges, connection.destination.address),
    wanted: ({ prefixRanges }) => rangeWords(prefixRanges),
    seen: ({ connection }) => connection.destination.address,
  },
  {
    name: "server name",
    rank: ({ serverNames }, { inspected }) => serverNameRank(serverNames, inspected.serverName),
    wanted: ({ serverNames }) => (serverNames ?? []).join(", "),
    seen: ({ inspected }) => inspected.serverName || "none",
  },
  {
    name: "transport protocol",
    rank: ({ transportProtocol }, { inspected }) =>
      transportProtocol ? (transportProtocol === inspected.transportProtocol ? 1 : NO) : 0,
    wanted: ({ transportProtocol }) => transportProtocol ?? "",
    seen: ({ inspected }) => inspected.transportProtocol,
  },
  {
    name: "application protocol",
    rank: ({ applicationProtocols: wanted }, { inspected: { applicationProtocols: offered } }) => {
      if (!wanted || wanted.length === 0) return 0;
      // The client's order decides: its first protocol that some chain names.
      const at = offered.findIndex((protocol) => wanted.includes(protocol));
      return at < 0 ? NO : offered.length - at;
    },
    wanted: ({ applicationProtocols }) => (applicationProtocols ?? []).join(", "),
    seen: ({ inspected }) => inspected.applicationProtocols.join(", ") || "none",
  },
  {
    name: "direct source address",
    rank: ({ directSourcePrefixRanges }, { connection }) =>
      rangeRank(directSourcePrefixRanges, connection.source.address),
    wanted: ({ directSourcePrefixRanges }) => rangeWords(directSourcePrefixRanges),
    seen: ({ connection }) => connection.source.address,
  },
  {
    name: "source type",
    rank: ({ sourceType = "ANY" }, seen) =>
      sourceType === "ANY" ? 0 : (sourceType === "SAME_IP_OR_LOOPBACK") === comesFromHere(seen) ? 1 : NO,
    wanted: ({ sourceType = "ANY" }) => sourceType,
    seen: (seen) => (comesFromHere(seen) ? "SAME_IP_OR_LOOPBACK" : "EXTERNAL"),
  },
  {
    name: "source address",
    rank: ({ sourcePrefixRanges }, { connection }) => rangeRank(sourcePrefixRanges, connection.source.address),
    wanted: ({ sourcePrefixRanges }) => rangeWords(sourcePrefixRanges),
    seen: ({ connection }) => connection.source.address,
  },
  {
    name: "source port",
    rank: ({ sourcePorts }, { connection }) => oneOf(sourcePorts, connection.source.port),
    wanted: ({ sourcePorts }) => (sourcePorts ?? []).join(", "),
    seen: ({ connection }) => String(connection.source.port),
  },
];

const used = new WeakMap<Listener, readonly Criterion[]>();
const NOTHING: Match = {};

/** The criteria that some chain of the listener asks for. */
function criteriaOf(listener: Listener): readonly Criterion[] {
  let criteria = used.get(listener);
  if (criteria === undefined) {
    const chains = listener.filterChains ?? [];
    const asks = (one: Criterion) =>
      chains.some(({ filterChainMatch = NOTHING }) => !["", "ANY"].includes(one.wanted(filterChainMatch)));
    criteria = CRITERIA.filter(asks);
    used.set(listener, criteria);
  }
  return criteria;
}

/**
 * The filter chain of a connection. Criteria are looked at in Envoy's order; after each only the chains with the best
 * match go on, without a way back: a chain that matches less well is lost even when the better one fails later.
 * Source: FilterChainMatch in envoy.config.listener.v3.
 */
export function selectFilterChain(
  listener: Listener,
  connection: Connection,
  inspected: Inspected,
  tracer?: Tracer,
): FilterChain | "ambiguous" | undefined {
  const name = (chain: FilterChain) => chain.name || unnamed(chain);
  let chains: readonly FilterChain[] = listener.filterChains ?? [];
  const seen = { connection, inspected };
  for (const criterion of criteriaOf(listener)) {
    let best = NO;
    const ranks = chains.map(({ filterChainMatch = NOTHING }) => {
      const rank = criterion.rank(filterChainMatch, seen);
      if (rank > best) best = rank;
      return rank;
    });
    if (tracer)
      chains.forEach((chain, index) => {
        if (ranks[index] === best && best >= 0) return;
        const asks = criterion.wanted(chain.filterChainMatch ?? NOTHING);
        const wins = ranks[index] === 0 ? "asks for no" : "has a less specific";
        const why =
          ranks[index] === NO
            ? `${criterion.name} is ${criterion.seen(seen)}, wanted ${asks}`
            : `${wins} ${criterion.name}${ranks[index] === 0 ? "" : ` (${asks})`}; another chain matches better`;
        tracer.add("filter chain", name(chain), false, why, places(chain));
      });
    chains = best < 0 ? [] : chains.filter((_, index) => ranks[index] === best);
    if (chains.length === 0) break;
  }
  const [only, twin] = chains;
  if (only && twin) {
    const reason = `matches as well as ${name(twin)}: Envoy refuses a listener with chains of equal matches`;
    tracer?.add("filter chain", name(only), false, reason, places(only));
    return "ambiguous";
  }
  if (only) {
    tracer?.add("filter chain", name(only), true, "matches best", places(only));
    return only;
  }
  const fallback = listener.defaultFilterChain;
  if (fallback)
    tracer?.add("filter chain", name(fallback), true, "no other chain matches: the default", places(fallback));
  else
    tracer?.add("filter chain", "default", false, "no chain matches and there is no default: the connection is closed");
  return fallback;
}

/** What a chain without a name is for. */
function unnamed({ filterChainMatch: { serverNames = [], applicationProtocols = [] } = {} }: FilterChain): string {
  if (serverNames.length > 0) return `for ${serverNames.slice(0, 3).join(", ")}${serverNames.length > 3 ? ", …" : ""}`;
  return applicationProtocols.length > 0 ? `for ${applicationProtocols.join(", ")}` : "(unnamed)";
}

/** A chain is found where it is written, else where its filters are. */
const places = (chain: FilterChain): readonly object[] => [chain, ...(chain.filters ?? [])];
