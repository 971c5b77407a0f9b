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

/** Whether Envoy would see two chains with the same match, which it rejects. */
export function conflicts(a: ChainPlan, b: ChainPlan): boolean {
  return matchKey(a) === matchKey(b);
}

function matchKey({ serverNames, destinations, applicationProtocols, transportProtocol }: ChainPlan): string {
  const names = (serverNames ?? []).filter((name) => name !== "*");
  const ranges = (destinations ?? []).flatMap((text) =>
    text.split("/")[0] === UNSPECIFIED ? [] : (maskedCidr(text) ?? []),
  );
  const set = (values: readonly string[]) => [...new Set(values)].sort();
  return JSON.stringify([transportProtocol ?? "", applicationProtocols ?? [], set(names), set(ranges)]);
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
