import type { ConnectionPool, MeshConfig } from "@fairlead/config";
import { isHttp, isHttp2, type Protocol } from "@fairlead/model";
import type {
  AnyMessage,
  Http1ProtocolOptions,
  MatchPredicate,
  UpstreamHttpProtocolOptions,
} from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { defined, typed } from "../listener/typed.ts";

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** What a cluster's HTTP protocol options rest on. */
export interface ProtocolInput {
  readonly protocol: Protocol;
  /** Traffic of undeclared ports is sniffed by sidecars: the upstream protocol is then that of the request. */
  readonly sniffs: boolean;
  readonly preserveCase: boolean;
  /** Absent for inbound clusters, which are never upgraded. */
  readonly upgrade: MeshConfig["h2UpgradePolicy"] | undefined;
  readonly pool: ConnectionPool | undefined;
  readonly errorCodes: readonly number[];
  readonly autoSni: boolean;
  readonly autoSanValidation: boolean;
}

const PRESERVE_CASE: Http1ProtocolOptions = {
  headerKeyFormat: {
    statefulFormatter: {
      name: "preserve_case",
      typedConfig: typed("envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig", {}),
    },
  },
};

/** Whether requests go out as HTTP/2 whatever they came in as. Source: Istio API, `h2UpgradePolicy`. */
function isUpgraded(input: Pick<ProtocolInput, "protocol" | "upgrade" | "pool">): boolean {
  const { http } = input.pool ?? {};
  if (http?.useClientProtocol) return false;
  if (http?.h2UpgradePolicy === "UPGRADE") return true;
  if (http?.h2UpgradePolicy === "DO_NOT_UPGRADE") return false;
  return isHttp(input.protocol) && input.upgrade === "UPGRADE";
}

/** Whether the cluster speaks HTTP/2 to every endpoint. */
export function speaksHttp2(
  input: Pick<ProtocolInput, "protocol" | "upgrade" | "pool" | "sniffs" | "preserveCase">,
): boolean {
  if (input.pool?.http?.useClientProtocol) return false;
  if (isHttp2(input.protocol)) return true;
  const undeclared = input.protocol === "Unspecified";
  const decided = (undeclared && input.sniffs) || (input.preserveCase && (undeclared || isHttp(input.protocol)));
  return !decided && input.upgrade !== undefined && isUpgraded(input);
}

/** The options, when anything differs from plain HTTP/1.1. */
export function protocolOptions(input: ProtocolInput): UpstreamHttpProtocolOptions | undefined {
  const { protocol, pool } = input;
  const undeclared = protocol === "Unspecified";
  const http1 =
    input.preserveCase && (undeclared || isHttp(protocol)) && !isHttp2(protocol) ? PRESERVE_CASE : undefined;
  const common = commonOptions(pool);
  const http2 = speaksHttp2(input);
  const useDownstream = pool?.http?.useClientProtocol || (undeclared && input.sniffs);
  const upstream = upstreamOptions(input);
  if (!http1 && !common && !http2 && !useDownstream && !upstream && input.errorCodes.length === 0) return undefined;
  return {
    ...(common ? { commonHttpProtocolOptions: common } : {}),
    ...(upstream ? { upstreamHttpProtocolOptions: upstream } : {}),
    ...(useDownstream
      ? { useDownstreamProtocolConfig: { httpProtocolOptions: http1 ?? {}, http2ProtocolOptions: {} } }
      : {
          explicitHttpConfig: http2
            ? { http2ProtocolOptions: http2Options(pool) }
            : { httpProtocolOptions: http1 ?? {} },
        }),
    ...(input.errorCodes.length > 0 ? { outlierDetection: { errorMatcher: errorMatcher(input.errorCodes) } } : {}),
  };
}

/** What the request's host decides. */
function upstreamOptions({
  autoSni,
  autoSanValidation,
}: ProtocolInput): UpstreamHttpProtocolOptions["upstreamHttpProtocolOptions"] {
  if (!autoSni && !autoSanValidation) return undefined;
  return { ...(autoSni ? { autoSni } : {}), ...(autoSanValidation ? { autoSanValidation } : {}) };
}

function commonOptions(pool: ConnectionPool | undefined): UpstreamHttpProtocolOptions["commonHttpProtocolOptions"] {
  const { http, tcp } = pool ?? {};
  const idleTimeout = durationOf(http?.idleTimeout) ?? durationOf(tcp?.idleTimeout);
  const maxConnectionDuration = durationOf(tcp?.maxConnectionDuration);
  const maxRequestsPerConnection = http?.maxRequestsPerConnection || undefined;
  if (!idleTimeout && !maxConnectionDuration && !maxRequestsPerConnection) {
    // As Istio: limits of HTTP/2 alone leave an empty message, which changes nothing.
    return http?.maxConcurrentStreams || http?.http2KeepAlive ? {} : undefined;
  }
  return {
    ...(idleTimeout ? { idleTimeout } : {}),
    ...(maxConnectionDuration ? { maxConnectionDuration } : {}),
    ...(maxRequestsPerConnection ? { maxRequestsPerConnection } : {}),
  };
}

function http2Options(
  pool: ConnectionPool | undefined,
): NonNullable<NonNullable<UpstreamHttpProtocolOptions["explicitHttpConfig"]>["http2ProtocolOptions"]> {
  const { maxConcurrentStreams, http2KeepAlive } = pool?.http ?? {};
  return {
    ...(maxConcurrentStreams ? { maxConcurrentStreams } : {}),
    ...(http2KeepAlive
      ? {
          connectionKeepalive: defined({
            interval: durationOf(http2KeepAlive.interval),
            timeout: durationOf(http2KeepAlive.timeout),
          }),
        }
      : {}),
  };
}

/** Only these status codes count as failures of an endpoint. */
function errorMatcher(codes: readonly number[]): MatchPredicate {
  const rules = codes.map((code) => ({
    httpResponseHeadersMatch: { headers: [{ name: ":status", stringMatch: { exact: String(code) } }] },
  }));
  return rules.length === 1 && rules[0] ? rules[0] : { orMatch: { rules } };
}

/** The extension map of a cluster with these options. */
export function extensionOptions(options: UpstreamHttpProtocolOptions): Record<string, AnyMessage> {
  return { [OPTIONS]: typed(OPTIONS, options) };
}

/** Requests leave as they came, idle connections end after five minutes: for what goes where it was sent. */
export function passthroughOptions(preserveCase: boolean): Record<string, AnyMessage> {
  return extensionOptions({
    commonHttpProtocolOptions: { idleTimeout: "300s" },
    useDownstreamProtocolConfig: {
      httpProtocolOptions: preserveCase ? PRESERVE_CASE : {},
      http2ProtocolOptions: {},
    },
  });
}
