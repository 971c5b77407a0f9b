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
  /** Server names by everything else that is matched. */
  readonly #taken = new Map<string, Set<string>>();

  /**
   * Adds what is left of a chain when the server names of earlier ones that match the same otherwise are gone. Answers
   * these names, or `everything` for a chain that has none to tell it apart.
   */
  add(plan: ChainPlan): { readonly lost: readonly string[] } {
    const key = matchKey(plan);
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken);
    const names = [...new Set((plan.serverNames ?? []).filter((name) => name !== "*"))];
    const wanted = names.length > 0 && !plan.serverNames?.includes("*") ? names : [EVERY_NAME];
    const free = wanted.filter((name) => !taken.has(name));
    const lost = wanted.filter((name) => taken.has(name)).map((name) => name || "everything");
    for (const name of free) taken.add(name);
    if (free.length === wanted.length) this.chains.push(plan);
    else if (free.length > 0) this.chains.push({ ...plan, serverNames: free });
    return { lost };
  }
}

const EVERY_NAME = "";

/** What a chain matches but for server names; equal texts are equal to Envoy. */
function matchKey({ destinations, applicationProtocols, transportProtocol }: ChainPlan): string {
  const ranges = (destinations ?? []).flatMap((text) =>
    text.split("/")[0] === UNSPECIFIED ? [] : (maskedCidr(text) ?? []),
  );
  return JSON.stringify([transportProtocol ?? "", applicationProtocols ?? [], [...new Set(ranges)].sort()]);
}

function filterChainMatch(plan: ChainPlan): FilterChainMatch | undefined {
  if (matchesAll(plan)) return undefined;
  const { serverNames, destinations, applicationProtocols, transportProtocol } = plan;
  const ranges = [...(destinations ?? [])]
    .sort()
    .flatMap((text) => cidrRange(text) ?? [])
    .filter(({ addressPrefix }) => addressPrefix !== UNSPECIFIED);
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
