import type { NodeJson } from "@fairlead/model";
import type { Bootstrap, Cluster, TransportSocket } from "../proto/types.ts";
import { SDS_CLUSTER } from "./names.ts";

/** Static cluster of the bootstrap that leads to the discovery server. */
const ADS_CLUSTER = "xds-grpc";

/** How an Envoy starts: who it is, and where its discovery server and its agent are. */
export interface BootstrapOptions {
  /** Discovery server: `HOST:PORT`, or `unix:/path`. Default: Istio's `istiod.istio-system.svc:15012`. */
  readonly ads?: string;
  /** Protocol variant. Default: `delta`. */
  readonly mode?: "delta" | "sotw";
  /**
   * How the discovery server is reached: `mtls` with the workload's own certificate over SDS (the default), or
   * `plaintext`, for loopback addresses and Unix sockets.
   */
  readonly adsSecurity?: "mtls" | "plaintext";
  /**
   * Names of which the server's certificate must carry one: a SPIFFE ID, a host name or an IP address. Default: the host of
   * `ads`, so that no other workload of the mesh can pose as the control plane.
   */
  readonly adsServerNames?: readonly string[];
  /** Path of the agent's SDS socket. Default: Istio's `./var/run/secrets/workload-spiffe-uds/socket`. */
  readonly sdsPath?: string;
  /** Admin listener, `HOST:PORT`. Default: `127.0.0.1:15000`. */
  readonly admin?: string;
  /** How long connections drain, in seconds, is Envoy's own flag; what is here goes to the bootstrap alone. Extra static clusters. */
  readonly clusters?: readonly Cluster[];
}

function addressOf(
  text: string,
): { socketAddress: { address: string; portValue: number } } | { pipe: { path: string } } {
  if (text.startsWith("unix:")) return { pipe: { path: text.slice("unix:".length) } };
  const colon = text.lastIndexOf(":");
  return {
    socketAddress: { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), portValue: Number(text.slice(colon + 1)) },
  };
}

function grpcCluster(name: string, address: string, transportSocket?: TransportSocket): Cluster {
  const isName = !address.startsWith("unix:") && !/^(\d+\.){3}\d+:\d+$|^\[/.test(address);
  return {
    name,
    type: isName ? "STRICT_DNS" : "STATIC",
    connectTimeout: "1s",
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: addressOf(address) } }] }],
    },
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicitHttpConfig: {
          // A server that is gone without a word is noticed.
          http2ProtocolOptions: { connectionKeepalive: { interval: "30s", timeout: "10s" } },
        },
      },
    },
    ...(transportSocket ? { transportSocket } : {}),
  };
}

function sdsSecret(name: string) {
  return {
    name,
    sdsConfig: {
      apiConfigSource: {
        apiType: "GRPC" as const,
        transportApiVersion: "V3" as const,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ envoyGrpc: { clusterName: SDS_CLUSTER } }],
      },
      resourceApiVersion: "V3" as const,
      initialFetchTimeout: "0s",
    },
  };
}

function sanTypeOf(name: string): "URI" | "IP_ADDRESS" | "DNS" {
  if (name.includes("://")) return "URI";
  return /^[\d.]+$|:/.test(name) ? "IP_ADDRESS" : "DNS";
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

function mutualTls(names: readonly string[]): TransportSocket {
  return {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      commonTlsContext: {
        alpnProtocols: ["h2"],
        // Without a word an Envoy that dials goes no further than 1.2.
        tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3", tlsMaximumProtocolVersion: "TLSv1_3" },
        tlsCertificateSdsSecretConfigs: [sdsSecret("default")],
        combinedValidationContext: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: names.map((name) => ({ sanType: sanTypeOf(name), matcher: { exact: name } })),
          },
          validationContextSdsSecretConfig: sdsSecret("ROOTCA"),
        },
      },
    },
  };
}

/**
 * The bootstrap of an Envoy, in the protobuf JSON shape. Everything else comes over ADS; the workload's certificate
 * over SDS from the agent's socket, so that no key travels. Source: Envoy API, `config.bootstrap.v3`.
 */
export function bootstrap(node: NodeJson, options: BootstrapOptions = {}): Bootstrap {
  const ads = options.ads ?? "istiod.istio-system.svc:15012";
  const secure = (options.adsSecurity ?? "mtls") === "mtls";
  const ownSource = { ads: {}, resourceApiVersion: "V3" as const, initialFetchTimeout: "0s" };
  const { id = "", cluster, metadata, locality } = node;
  return {
    node: {
      id,
      cluster: cluster ?? (typeof metadata?.WORKLOAD_NAME === "string" ? metadata.WORKLOAD_NAME : "fairlead-proxy"),
      ...(metadata ? { metadata: metadata as Record<string, unknown> } : {}),
      ...(locality ? { locality: { ...locality } } : {}),
    },
    admin: { address: addressOf(options.admin ?? "127.0.0.1:15000") },
    dynamicResources: {
      ldsConfig: ownSource,
      cdsConfig: ownSource,
      adsConfig: {
        apiType: (options.mode ?? "delta") === "delta" ? "DELTA_GRPC" : "GRPC",
        transportApiVersion: "V3",
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ envoyGrpc: { clusterName: ADS_CLUSTER } }],
      },
    },
    staticResources: {
      clusters: [
        grpcCluster(ADS_CLUSTER, ads, secure ? mutualTls(options.adsServerNames ?? [hostOf(ads)]) : undefined),
        grpcCluster(SDS_CLUSTER, `unix:${options.sdsPath ?? "./var/run/secrets/workload-spiffe-uds/socket"}`),
        ...(options.clusters ?? []),
      ],
    },
    // Connections are bounded by each cluster and listener, not by the process.
    overloadManager: {
      resourceMonitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typedConfig: {
            "@type":
              "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            maxActiveDownstreamConnections: "2147483647",
          },
        },
      ],
    },
    layeredRuntime: {
      layers: [{ name: "global", staticLayer: { "re2.max_program_size.error_level": "32768" } }],
    },
  };
}
