import type { ConfigObject } from "@fairlead/config";
import { KINDS } from "@fairlead/config";
import type {
  DownstreamTlsContext,
  FilterChain,
  FilterChainMatch,
  ListenerFilter,
  Metadata,
} from "../../proto/types.ts";
import { cidrRange, maskedCidr, UNSPECIFIED } from "./address.ts";
import { tlsTransportSocket } from "./tls-context.ts";
import { defined } from "./typed.ts";

/** A filter chain before it is one: what it matches and what it does. */
export interface ChainPlan {
  readonly serverNames?: readonly string[];
  readonly destinations?: readonly string[];
  readonly applicationProtocols?: readonly string[];
  readonly transportProtocol?: string;
  readonly metadata?: Metadata;
  readonly tls?: DownstreamTlsContext;
  readonly filters: ListenerFilter[];
}

/** A connection must have sent its TLS handshake by then. */
const HANDSHAKE_TIMEOUT = "15s";

/** Whether the chain takes every connection. */
export function matchesAll({ serverNames, destinations, applicationProtocols, transportProtocol }: ChainPlan): boolean {
  return (
    (!serverNames || serverNames.length === 0 || serverNames.includes("*")) &&
    !applicationProtocols?.length &&
    !transportProtocol &&
    !destinations?.length
  );
}

/** The chains of a listener, none of which takes what an earlier one does: Envoy would reject the whole listener. */
export class ChainSet {
  readonly chains: ChainPlan[] = [];
  /** Server names by range of addresses and everything else that is matched. */
  readonly #taken = new Map<string, Set<string>>();

  /**
   * Adds what is left of a chain when the server names and addresses of earlier ones that match the same otherwise are gone
   * (in several chains where other names are left for other addresses). Answers what is gone: names, addresses, or
   * `everything` for a chain that has neither to tell it apart.
   */
  add(plan: ChainPlan): { readonly lost: readonly string[] } {
    const wanted = namesOf(plan);
    const ranges = rangesOf(plan);
    const otherwise = `${plan.transportProtocol ?? ""} ${plan.applicationProtocols?.join() ?? ""}`;
    const kept = [...ranges].map(([range, written]) => ({
      written,
      names: this.#take(`${otherwise} ${range}`, wanted),
    }));
    if (kept.every(({ names }) => names.length === wanted.length)) {
      this.chains.push(plan);
      return NOTHING_LOST;
    }
    const left = new Map<string, { readonly names: readonly string[]; readonly destinations: string[] }>();
    const lost = new Map<string, string[]>();
    for (const { written, names } of kept) {
      for (const name of wanted) if (!names.includes(name)) lost.set(name, [...(lost.get(name) ?? []), written]);
      if (names.length === 0) continue;
      const part = left.get(names.join()) ?? { names, destinations: [] };
      left.set(names.join(), part);
      part.destinations.push(written);
    }
    for (const { names, destinations } of left.values())
      this.chains.push({
        ...plan,
        ...(names.length < wanted.length && { serverNames: names }),
        ...(destinations.length < ranges.size && { destinations }),
      });
    return { lost: [...lost].flatMap(([name, gone]) => namesOfLost(name, gone, gone.length === ranges.size)) };
  }

  /** Those of the names that no earlier chain has among what matches the same otherwise. */
  #take(otherwise: string, wanted: readonly string[]): readonly string[] {
    const taken = this.#taken.get(otherwise);
    if (!taken) {
      this.#taken.set(otherwise, new Set(wanted));
      return wanted;
    }
    const free = wanted.filter((name) => !taken.has(name));
    for (const name of free) taken.add(name);
    return free;
  }
}

const NOTHING_LOST = { lost: [] };

/** The server names, each once; one that stands for every name where the chain is for all. */
function namesOf({ serverNames }: ChainPlan): readonly string[] {
  if (!serverNames || serverNames.length === 0 || serverNames.includes("*")) return EVERY_NAME;
  return serverNames.length === 1 ? serverNames : [...new Set(serverNames)];
}

function namesOfLost(name: string, ranges: readonly string[], all: boolean): readonly string[] {
  if (all) return [name || "everything"];
  return ranges.map((range) => (name ? `${name} at ${range}` : range));
}

const EVERY_NAME: readonly string[] = [""];

const EVERY_ADDRESS: ReadonlyMap<string, string> = new Map([["", ""]]);

/** The ranges of addresses that a chain is for, as they are written by what they are to Envoy. */
function rangesOf({ destinations }: Pick<ChainPlan, "destinations">): ReadonlyMap<string, string> {
  if (!destinations || destinations.length === 0) return EVERY_ADDRESS;
  const ranges = new Map<string, string>();
  for (const text of destinations) {
    const range = text.split("/")[0] === UNSPECIFIED ? undefined : maskedCidr(text);
    if (range !== undefined && !ranges.has(range)) ranges.set(range, text);
  }
  return ranges.size > 0 ? ranges : EVERY_ADDRESS;
}

function filterChainMatch(plan: ChainPlan): FilterChainMatch | undefined {
  if (matchesAll(plan)) return undefined;
  const { serverNames, destinations, applicationProtocols, transportProtocol } = plan;
  const ranges = destinations?.length
    ? [...rangesOf({ destinations: [...destinations].sort() }).values()].flatMap((text) => cidrRange(text) ?? [])
    : [];
  return defined<FilterChainMatch>({
    applicationProtocols: applicationProtocols?.length ? [...applicationProtocols] : undefined,
    transportProtocol: transportProtocol || undefined,
    serverNames: serverNames?.length && !serverNames.includes("*") ? [...serverNames].sort() : undefined,
    prefixRanges: ranges.length > 0 ? ranges : undefined,
  });
}

/** The chain as Envoy takes it. */
export function filterChain(plan: ChainPlan): FilterChain {
  return defined<FilterChain>({
    filterChainMatch: filterChainMatch(plan),
    filters: plan.filters,
    metadata: plan.metadata,
    transportSocket: plan.tls && tlsTransportSocket(plan.tls),
    transportSocketConnectTimeout: HANDSHAKE_TIMEOUT,
  });
}

/** Metadata that names the object a chain was made from, as Istio's tools read it. */
export function configMetadata(object: ConfigObject): Metadata {
  const { group, versions } = KINDS[object.kind];
  const kind = object.kind.replace(/[a-z](?=[A-Z])/g, "$&-").toLowerCase();
  const { namespace, name } = object.metadata;
  const config = `/apis/${group}/${versions[0]}/namespaces/${namespace}/${kind}/${name}`;
  return { filterMetadata: { istio: { config } } };
}
