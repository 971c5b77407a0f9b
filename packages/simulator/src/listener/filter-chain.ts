import type { FilterChain, Listener } from "../envoy.ts";
import type { Connection } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { isLocal, longestMatch } from "./cidr.ts";
import type { Inspected } from "./inspect.ts";

/** One criterion of a filter chain match: the rank of a chain (0: asks for nothing, negative: does not match). */
interface Criterion {
  readonly name: string;
  readonly rank: (chain: FilterChain) => number;
  readonly wanted: (chain: FilterChain) => string;
  readonly seen: string;
}

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

function criteria({ destination, source }: Connection, inspected: Inspected): readonly Criterion[] {
  const match = (chain: FilterChain) => chain.filterChainMatch ?? {};
  const ranges = (list: readonly { addressPrefix?: string; prefixLen?: number }[] | undefined) =>
    (list ?? []).map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen ?? 0}`).join(", ");
  const local = isLocal(source.address, destination.address);
  const { serverName, transportProtocol, applicationProtocols } = inspected;
  return [
    {
      name: "destination port",
      rank: (chain) =>
        match(chain).destinationPort === undefined ? 0 : match(chain).destinationPort === destination.port ? 1 : NO,
      wanted: (chain) => String(match(chain).destinationPort),
      seen: String(destination.port),
    },
    {
      name: "destination address",
      rank: (chain) => rangeRank(match(chain).prefixRanges, destination.address),
      wanted: (chain) => ranges(match(chain).prefixRanges),
      seen: destination.address,
    },
    {
      name: "server name",
      rank: (chain) => serverNameRank(match(chain).serverNames, serverName),
      wanted: (chain) => (match(chain).serverNames ?? []).join(", "),
      seen: serverName || "none",
    },
    {
      name: "transport protocol",
      rank: (chain) =>
        match(chain).transportProtocol ? (match(chain).transportProtocol === transportProtocol ? 1 : NO) : 0,
      wanted: (chain) => match(chain).transportProtocol ?? "",
      seen: transportProtocol,
    },
    {
      name: "application protocol",
      rank: (chain) => {
        const wanted = match(chain).applicationProtocols;
        if (!wanted || wanted.length === 0) return 0;
        // The client's order decides: its first protocol that some chain names.
        const at = applicationProtocols.findIndex((protocol) => wanted.includes(protocol));
        return at < 0 ? NO : applicationProtocols.length - at;
      },
      wanted: (chain) => (match(chain).applicationProtocols ?? []).join(", "),
      seen: applicationProtocols.join(", ") || "none",
    },
    {
      name: "direct source address",
      rank: (chain) => rangeRank(match(chain).directSourcePrefixRanges, source.address),
      wanted: (chain) => ranges(match(chain).directSourcePrefixRanges),
      seen: source.address,
    },
    {
      name: "source type",
      rank: (chain) => {
        const type = match(chain).sourceType ?? "ANY";
        return type === "ANY" ? 0 : (type === "SAME_IP_OR_LOOPBACK") === local ? 1 : NO;
      },
      wanted: (chain) => match(chain).sourceType ?? "ANY",
      seen: local ? "SAME_IP_OR_LOOPBACK" : "EXTERNAL",
    },
    {
      name: "source address",
      rank: (chain) => rangeRank(match(chain).sourcePrefixRanges, source.address),
      wanted: (chain) => ranges(match(chain).sourcePrefixRanges),
      seen: source.address,
    },
    {
      name: "source port",
      rank: (chain) => oneOf(match(chain).sourcePorts, source.port),
      wanted: (chain) => (match(chain).sourcePorts ?? []).join(", "),
      seen: String(source.port),
    },
  ];
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
  const name = (chain: FilterChain) => chain.name || "(unnamed)";
  let chains: readonly FilterChain[] = listener.filterChains ?? [];
  for (const criterion of criteria(connection, inspected)) {
    let best = NO;
    const ranks = chains.map((chain) => {
      const rank = criterion.rank(chain);
      if (rank > best) best = rank;
      return rank;
    });
    if (tracer)
      chains.forEach((chain, index) => {
        if (ranks[index] === best && best >= 0) return;
        const asks = criterion.wanted(chain);
        const wins = ranks[index] === 0 ? "asks for no" : "has a less specific";
        const why =
          ranks[index] === NO
            ? `${criterion.name} is ${criterion.seen}, wanted ${asks}`
            : `${wins} ${criterion.name}${ranks[index] === 0 ? "" : ` (${asks})`}; another chain matches better`;
        tracer.add("filter chain", name(chain), false, why, chain);
      });
    chains = best < 0 ? [] : chains.filter((_, index) => ranks[index] === best);
    if (chains.length === 0) break;
  }
  const [only, twin] = chains;
  if (only && twin) {
    const reason = `matches as well as ${name(twin)}: Envoy refuses a listener with chains of equal matches`;
    tracer?.add("filter chain", name(only), false, reason, only);
    return "ambiguous";
  }
  if (only) {
    tracer?.add("filter chain", name(only), true, "matches best", only);
    return only;
  }
  const fallback = listener.defaultFilterChain;
  if (fallback) tracer?.add("filter chain", name(fallback), true, "no other chain matches: the default", fallback);
  else
    tracer?.add("filter chain", "default", false, "no chain matches and there is no default: the connection is closed");
  return fallback;
}
