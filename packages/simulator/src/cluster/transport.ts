import {
  type AnyMessage,
  type Cluster,
  type HttpConnectionManager,
  type LbEndpoint,
  type UpstreamTlsContext,
  unpack,
} from "../envoy.ts";

/** How a cluster speaks to an endpoint. */
export interface Transport {
  readonly tls: boolean;
  /** A client certificate of the mesh is shown. */
  readonly presentsCertificate: boolean;
  readonly sni: string;
  readonly alpn: readonly string[];
  readonly protocol: "http/1.1" | "http/2";
}

const UPSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/**
 * The transport towards an endpoint: the first transport socket match that the endpoint's metadata satisfies, else the
 * cluster's own socket. `spoken` is what the client spoke, for clusters that keep it.
 */
export function transportTo(
  cluster: Cluster,
  endpoint: LbEndpoint | undefined,
  spoken: "http/1.1" | "http/2" | "tcp",
  manager?: HttpConnectionManager,
): Transport {
  const metadata = record(endpoint?.metadata?.filterMetadata?.["envoy.transport_socket_match"]);
  const matched = (cluster.transportSocketMatches ?? []).find(({ match }) =>
    Object.entries(record(match)).every(([key, value]) => metadata[key] === value),
  );
  const socket = matched?.transportSocket ?? cluster.transportSocket;
  const tls = unpack<UpstreamTlsContext>(socket?.typedConfig, UPSTREAM_TLS);
  const protocol = upstreamProtocol(cluster, spoken);
  const common = tls?.commonTlsContext;
  const override = manager && spoken !== "tcp" ? alpnOverride(manager, protocol) : undefined;
  return {
    tls: tls !== undefined,
    presentsCertificate:
      (common?.tlsCertificateSdsSecretConfigs?.length ?? 0) > 0 || (common?.tlsCertificates?.length ?? 0) > 0,
    sni: tls?.sni ?? "",
    alpn: override ?? common?.alpnProtocols ?? [],
    protocol,
  };
}

function upstreamProtocol(cluster: Cluster, spoken: "http/1.1" | "http/2" | "tcp"): "http/1.1" | "http/2" {
  const options = record(
    unpack(
      Object.values(cluster.typedExtensionProtocolOptions ?? {}).find((any) => any["@type"].endsWith(HTTP_OPTIONS)),
      HTTP_OPTIONS,
    ),
  );
  if (options.useDownstreamProtocolConfig !== undefined) return spoken === "http/2" ? "http/2" : "http/1.1";
  const explicit = record(options.explicitHttpConfig);
  return explicit.http2ProtocolOptions !== undefined || cluster.http2ProtocolOptions !== undefined
    ? "http/2"
    : "http/1.1";
}

/** Istio's ALPN filter, where a listener has it, replaces what the cluster offers. */
function alpnOverride(manager: HttpConnectionManager, protocol: "http/1.1" | "http/2"): readonly string[] | undefined {
  const filter = (manager.httpFilters ?? []).find(({ name }) => name === "istio.alpn");
  const config = unpack<AnyMessage & { alpnOverride?: { upstreamProtocol?: string; alpnOverride?: string[] }[] }>(
    filter?.typedConfig,
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
  );
  const wanted = protocol === "http/2" ? "HTTP2" : "HTTP11";
  return config?.alpnOverride?.find(({ upstreamProtocol = "HTTP10" }) => upstreamProtocol === wanted)?.alpnOverride;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
