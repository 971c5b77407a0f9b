import type {
  EnvoyHttpGrpcV3LogProvider,
  EnvoyOpenTelemetryLogProvider,
  EnvoyTcpGrpcV3LogProvider,
} from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { AccessLog } from "../../proto/types.ts";
import { formatters, TEXT_FORMAT } from "./log-format.ts";
import { providerCluster } from "./provider-cluster.ts";
import { defined, typed } from "./typed.ts";

/** Where proxies of Istio keep what they know of the peer. */
const PEER_STATE: readonly string[] = ["upstream_peer", "downstream_peer"];
/** With the names that older proxies used. */
const LEGACY_PEER_STATE: readonly string[] = [
  ...PEER_STATE,
  "wasm.upstream_peer",
  "wasm.upstream_peer_id",
  "wasm.downstream_peer",
  "wasm.downstream_peer_id",
];

interface GrpcLogSource {
  readonly cluster: string;
  readonly authority?: string;
  readonly legacyState: boolean;
  readonly logName: string | undefined;
}

interface GrpcLogProvider {
  readonly provider: EnvoyHttpGrpcV3LogProvider | EnvoyTcpGrpcV3LogProvider;
  readonly read: Reader;
  readonly report: (problem: string) => void;
}

const list = (values: readonly string[] | undefined) => (values && values.length > 0 ? [...values] : undefined);

/** A log that streams entries to a gRPC access log service. Undefined (and reported) when its service is unknown. */
export function grpcLog(protocol: "http" | "tcp", from: GrpcLogSource): AccessLog;
export function grpcLog(protocol: "http" | "tcp", from: GrpcLogProvider): AccessLog | undefined;
export function grpcLog(protocol: "http" | "tcp", from: GrpcLogSource | GrpcLogProvider): AccessLog | undefined {
  const provider: EnvoyHttpGrpcV3LogProvider = "provider" in from ? from.provider : {};
  let source: GrpcLogSource;
  if ("provider" in from) {
    const found = providerCluster(from.read, provider.service, provider.port);
    if (found.problem !== undefined) {
      from.report(found.problem);
      return undefined;
    }
    source = { cluster: found.cluster, authority: found.hostname, legacyState: false, logName: provider.logName };
  } else source = from;
  const commonConfig = {
    logName: source.logName || (protocol === "http" ? "http_envoy_accesslog" : "tcp_envoy_accesslog"),
    grpcService: {
      envoyGrpc: { clusterName: source.cluster, ...(source.authority ? { authority: source.authority } : {}) },
    },
    transportApiVersion: "V3" as const,
    filterStateObjectsToLog: list(provider.filterStateObjectsToLog) ?? [
      ...(source.legacyState ? LEGACY_PEER_STATE : PEER_STATE),
    ],
  };
  if (protocol === "tcp")
    return {
      name: "envoy.tcp_grpc_access_log",
      typedConfig: typed("envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig", { commonConfig }),
    };
  return {
    name: "envoy.access_loggers.http_grpc",
    typedConfig: typed(
      "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
      defined({
        commonConfig,
        additionalRequestHeadersToLog: list(provider.additionalRequestHeadersToLog),
        additionalResponseHeadersToLog: list(provider.additionalResponseHeadersToLog),
        additionalResponseTrailersToLog: list(provider.additionalResponseTrailersToLog),
      }),
    ),
  };
}

/** A log that goes to an OpenTelemetry collector. */
export function openTelemetryLog(
  read: Reader,
  provider: EnvoyOpenTelemetryLogProvider,
  report: (problem: string) => void,
): AccessLog | undefined {
  const found = providerCluster(read, provider.service, provider.port);
  if (found.problem !== undefined) {
    report(found.problem);
    return undefined;
  }
  const text = provider.logFormat?.text || TEXT_FORMAT;
  const labels = Object.entries(provider.logFormat?.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const extensions = formatters(text, ...labels.map(([, value]) => value));
  return {
    name: "envoy.access_loggers.open_telemetry",
    typedConfig: typed("envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig", {
      commonConfig: {
        logName: provider.logName || "otel_envoy_accesslog",
        grpcService: { envoyGrpc: { clusterName: found.cluster, authority: found.hostname } },
        transportApiVersion: "V3",
        filterStateObjectsToLog: [...LEGACY_PEER_STATE],
      },
      disableBuiltinLabels: true,
      body: { stringValue: text },
      ...(labels.length > 0
        ? {
            attributes: {
              values: labels.map(([key, value]) => ({
                key,
                value: { stringValue: typeof value === "string" ? value : "" },
              })),
            },
          }
        : {}),
      ...(extensions.length > 0 ? { formatters: extensions } : {}),
    }),
  };
}
