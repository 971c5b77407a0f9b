import type { UpstreamProxyProtocol } from "@fairlead/config";
import type { Cluster, Cluster_TransportSocketMatch, TransportSocket, UpstreamTlsContext } from "../../proto/types.ts";
import { typed } from "../listener/typed.ts";

export type TransportFields = Pick<Cluster, "transportSocket" | "transportSocketMatches">;

/** Shared: nobody changes them. */
const PLAINTEXT: TransportSocket = {
  name: "envoy.transport_sockets.raw_buffer",
  typedConfig: typed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", {}),
};
const ENDPOINT_WITHOUT_PROXY: Cluster_TransportSocketMatch = {
  name: "tlsMode-disabled",
  match: {},
  transportSocket: PLAINTEXT,
};

export function tlsSocket(context: UpstreamTlsContext): TransportSocket {
  return {
    name: "envoy.transport_sockets.tls",
    typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", context),
  };
}

/** Mesh mTLS to the endpoints that are marked as taking it, plaintext to all others. */
export function automaticMutualTls(socket: TransportSocket): TransportFields {
  return {
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: socket },
      ENDPOINT_WITHOUT_PROXY,
    ],
  };
}

/** Every connection begins with a PROXY header that names the client. */
export function withProxyProtocol(
  { transportSocket, transportSocketMatches }: TransportFields,
  { version }: UpstreamProxyProtocol,
): TransportFields {
  const wrap = (inner: TransportSocket): TransportSocket => ({
    name: "envoy.transport_sockets.upstream_proxy_protocol",
    typedConfig: typed("envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport", {
      config: version === "V2" ? { version } : {},
      transportSocket: inner,
    }),
  });
  if (!transportSocketMatches) return { transportSocket: wrap(transportSocket ?? PLAINTEXT) };
  return {
    transportSocketMatches: transportSocketMatches.map((match) => ({
      ...match,
      transportSocket: wrap(match.transportSocket ?? PLAINTEXT),
    })),
  };
}
