import type { FilterChain, Listener } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import type { PlacedServer } from "../route/gateway-server.ts";
import type { MergedPort } from "../route/gateway-servers.ts";
import { accessLogs } from "./access-log.ts";
import { WILDCARDS } from "./address.ts";
import { bufferLimit, effectiveConnectionSettings } from "./connection-settings.ts";
import { httpConnectionManager, STAT_PREFIX_END } from "./http-connection-manager.ts";
import { addressFamilyOf, proxySettingsOf } from "./node-settings.ts";
import { serverTlsContext } from "./server-tls.ts";
import { defined, typed } from "./typed.ts";

/** Before the name of the listener whose port it shares. */
export const UDP_PREFIX = "udp_";

/** The servers of a port that answer HTTP/3 too. Its clients show no certificate, so those that ask for one do not. */
export function http3Servers({ servers }: MergedPort): readonly PlacedServer[] {
  return servers.filter(({ http3 }) => http3 === "served");
}

/** HTTP/3 over QUIC beside a listener that ends TLS, with the routes of its servers. Source: Istio `buildGatewayHTTP3FilterChains`. */
export function http3Listener(build: Build, name: string, ports: readonly MergedPort[]): Listener | undefined {
  const { read } = build;
  const [first] = ports;
  if (!first) return undefined;
  const [wildcard, ...others] = WILDCARDS[addressFamilyOf(read)];
  const udp = (address: string) => ({
    socketAddress: { protocol: "UDP" as const, address, portValue: first.port },
  });
  return defined<Listener>({
    name,
    address: udp(first.bind || wildcard),
    additionalAddresses:
      first.bind || others.length === 0 ? undefined : others.map((address) => ({ address: udp(address) })),
    trafficDirection: "OUTBOUND",
    udpListenerConfig: { quicOptions: {}, downstreamSocketConfig: {} },
    enableReusePort: true,
    perConnectionBufferLimitBytes: bufferLimit(
      effectiveConnectionSettings(proxySettingsOf(read).connectionSettings, true),
    ),
    accessLog: accessLogs(build, "gateway", "listener"),
    filterChains: ports.flatMap((merged) => http3Servers(merged).map((placed) => chain(build, name, placed))),
  });
}

function chain(build: Build, name: string, { server, source, path, routeName, sniHosts }: PlacedServer): FilterChain {
  const context = server.tls && serverTlsContext(build, server.tls, { object: source, path: `${path}.tls` });
  const names = sniHosts.includes("*") ? [] : [...sniHosts].sort();
  const manager = httpConnectionManager(build, {
    kind: "gateway-http3",
    port: server.port.number,
    routes: routeName,
    statPrefix: server.name || `outbound_${name}${STAT_PREFIX_END}`,
    protocol: "HTTPS",
  });
  return build.from(
    defined<FilterChain>({
      filterChainMatch: names.length > 0 ? { serverNames: names } : undefined,
      filters: [manager],
      transportSocket: context && {
        name: "envoy.transport_sockets.quic",
        typedConfig: typed("envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport", {
          downstreamTlsContext: {
            ...context,
            commonTlsContext: { ...context.commonTlsContext, alpnProtocols: ["h3"] },
          },
        }),
      },
    }),
    source,
    path,
  );
}
