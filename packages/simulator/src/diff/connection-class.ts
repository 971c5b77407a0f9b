import type { ProxyNode } from "@fairlead/model";
import type { FilterChain, Listener } from "../envoy.ts";
import { compileChain } from "../listener/compiled-chain.ts";
import type { RequestInput } from "../request.ts";
import type { Resources } from "../resources.ts";

/** An address that no listener has: the listener of any address takes it. RFC 5737. */
const SOMEWHERE = "198.51.100.1";
/** No more connections for one filter chain than this. */
const MOST = 64;

/** Connections that a filter chain is made for: where to, and what the client shows. */
export interface ConnectionClass {
  readonly at: string;
  readonly port: number;
  readonly tls: boolean;
  readonly sni?: string;
  readonly alpn?: readonly string[];
  /** Address of the client, where one is asked for. */
  readonly client?: string;
  readonly inbound: boolean;
  /** The client shows a certificate of the mesh. */
  readonly mutual: boolean;
  readonly protocol: "http/1.1" | "http/2" | "tcp";
}

/** The filter chains of a listener, each with connections that are made for it. */
export function connectionClasses(
  listener: Listener,
  { resources, spare, node }: { readonly resources: Resources; readonly spare: number; readonly node: ProxyNode },
): readonly (readonly [chain: FilterChain, classes: readonly ConnectionClass[]])[] {
  const chains = [
    ...(listener.filterChains ?? []),
    ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : []),
  ];
  const inbound = listener.trafficDirection === "INBOUND";
  const offered = [...new Set(chains.flatMap(({ filterChainMatch }) => filterChainMatch?.applicationProtocols ?? []))];
  const socket = listener.address?.socketAddress;
  const captures = inbound || listener.useOriginalDst === true;
  const own = socket?.address && !["0.0.0.0", "::"].includes(socket.address) ? socket.address : undefined;
  return chains.map((chain) => {
    const match = chain.filterChainMatch ?? {};
    const parts = compileChain(chain);
    const names = parts.clusterBySni
      ? (resources.clusters ?? []).flatMap(({ name = "" }) => (name.startsWith("outbound_") ? [name] : []))
      : (match.serverNames ?? []).map((name) =>
          name.replace(/^\*?(?=\.)/, "witness").replace(/^\*$/, "witness.invalid"),
        );
    const speaksTls =
      match.transportProtocol === "raw_buffer"
        ? [false]
        : match.transportProtocol === "tls" || names.length > 0 || parts.tls
          ? [true]
          : parts.manager
            ? [false]
            : [false, true];
    const addresses = (match.prefixRanges ?? []).flatMap(({ addressPrefix }) => addressPrefix ?? []);
    const clients = [...(match.directSourcePrefixRanges ?? []), ...(match.sourcePrefixRanges ?? [])].flatMap(
      ({ addressPrefix }) => addressPrefix ?? [],
    );
    const port = match.destinationPort ?? (captures ? spare : (socket?.portValue ?? 0));
    const place = (address: string) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
    const mutual = (parts.tls?.requireClientCertificate ?? false) || (inbound && parts.tls !== undefined);
    const classes = speaksTls.flatMap((tls) =>
      ways(addresses, inbound ? (node.ipAddresses[0] ?? SOMEWHERE) : (own ?? SOMEWHERE)).flatMap((address) =>
        (tls ? ways(names, undefined) : [undefined]).flatMap((sni) =>
          alpns(match.applicationProtocols ?? [], tls, offered).flatMap((alpn) =>
            ways(clients, undefined).flatMap((client) =>
              protocols(parts.manager !== undefined, tls, alpn).map(
                (protocol): ConnectionClass => ({
                  at: place(address),
                  port,
                  tls,
                  inbound,
                  mutual: mutual && tls,
                  protocol,
                  ...(sni !== undefined && { sni }),
                  ...(tls && alpn && { alpn: [alpn] }),
                  ...(client !== undefined && { client }),
                }),
              ),
            ),
          ),
        ),
      ),
    );
    return [chain, classes.slice(0, MOST)] as const;
  });
}

const ways = <T>(wanted: readonly T[], otherwise: T) => (wanted.length > 0 ? wanted : [otherwise]);

function alpns(wanted: readonly string[], tls: boolean, offered: readonly string[]): readonly (string | undefined)[] {
  if (wanted.length > 0) return wanted;
  return tls ? [undefined, ...offered.filter((protocol) => protocol !== "h2c")] : [undefined];
}

function protocols(http: boolean, tls: boolean, alpn: string | undefined): readonly ConnectionClass["protocol"][] {
  if (!http) return ["tcp"];
  if (alpn === undefined) return ["http/1.1"];
  return /h2/.test(alpn) ? ["http/2"] : tls || alpn.startsWith("http") ? ["http/1.1"] : ["tcp"];
}

/** The URL's beginning and what goes with it. The host is the server name where there is one. */
export function connectionInput(
  { tls, mutual, port, sni, alpn, protocol }: ConnectionClass,
  host: string | undefined,
): { readonly base: string; readonly input: Omit<RequestInput, "url"> } {
  // What a certificate of the mesh is shown in is the mesh's own TLS: the request inside is plain.
  const secure = tls && !mutual;
  const scheme = protocol === "tcp" ? (secure ? "tls" : "tcp") : secure ? "https" : "http";
  const name = host ?? sni ?? "witness.invalid";
  return {
    base: `${scheme}://${name}:${port}`,
    input: {
      ...(protocol === "http/2" && { protocol }),
      ...(sni !== undefined && sni !== name && { sni }),
      ...(alpn !== undefined && { alpn }),
    },
  };
}

/** A port at which neither side listens. */
export function sparePort(sides: readonly Resources[]): number {
  const used = new Set(
    sides.flatMap(({ listeners }) =>
      listeners.flatMap(({ address, filterChains = [] }) => [
        address?.socketAddress?.portValue,
        ...filterChains.map(({ filterChainMatch }) => filterChainMatch?.destinationPort),
      ]),
    ),
  );
  let port = 49_151;
  while (used.has(port)) port -= 1;
  return port;
}
