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
    const names = [...new Set((plan.serverNames ?? []).filter((name) => name !== "*"))];
    const wanted = names.length > 0 && !plan.serverNames?.includes("*") ? names : [EVERY_NAME];
    const ranges = rangesOf(plan);
    const lost = new Map<string, string[]>();
    const left = new Map<string, { names: readonly string[]; destinations: string[] }>();
    for (const [range, written] of ranges) {
      const key = JSON.stringify([plan.transportProtocol ?? "", plan.applicationProtocols ?? [], range]);
      const taken = this.#taken.get(key) ?? new Set();
      this.#taken.set(key, taken);
      const free = wanted.filter((name) => !taken.has(name));
      for (const name of wanted) if (taken.has(name)) lost.set(name, [...(lost.get(name) ?? []), written]);
      for (const name of free) taken.add(name);
      if (free.length === 0) continue;
      const part = left.get(JSON.stringify(free)) ?? { names: free, destinations: [] };
      left.set(JSON.stringify(free), part);
      part.destinations.push(written);
    }
    if (lost.size === 0) this.chains.push(plan);
    else
      for (const part of left.values())
        this.chains.push({
          ...plan,
          ...(part.names.length < wanted.length && { serverNames: part.names }),
          ...(part.destinations.length < ranges.size && { destinations: part.destinations }),
        });
    return { lost: [...lost].flatMap(([name, gone]) => namesOfLost(name, gone, gone.length === ranges.size)) };
  }
}

function namesOfLost(name: string, ranges: readonly string[], all: boolean): readonly string[] {
  if (all) return [name || "everything"];
  return ranges.map((range) => (name ? `${name} at ${range}` : range));
}

const EVERY_NAME = "";

const EVERY_ADDRESS = "";

/** The ranges of addresses that a chain is for, as they are written by what they are to Envoy. */
function rangesOf({ destinations }: Pick<ChainPlan, "destinations">): ReadonlyMap<string, string> {
  const ranges = new Map<string, string>();
  for (const text of destinations ?? []) {
    const range = text.split("/")[0] === UNSPECIFIED ? undefined : maskedCidr(text);
    if (range !== undefined && !ranges.has(range)) ranges.set(range, text);
  }
  return ranges.size > 0 ? ranges : new Map([[EVERY_ADDRESS, EVERY_ADDRESS]]);
}

function filterChainMatch(plan: ChainPlan): FilterChainMatch | undefined {
  if (matchesAll(plan)) return undefined;
  const { serverNames, destinations, applicationProtocols, transportProtocol } = plan;
  const ranges = [...rangesOf({ destinations: [...(destinations ?? [])].sort() }).values()].flatMap(
    (text) => cidrRange(text) ?? [],
  );
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
    transportSocket: tlsTransportSocket(plan.tls),
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
