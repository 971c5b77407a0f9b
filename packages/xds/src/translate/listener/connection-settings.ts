import type { ConnectionSettings } from "@fairlead/config";
import type { HttpConnectionManager } from "../../proto/types.ts";
import { durationOf } from "./node-settings.ts";
import { defined } from "./typed.ts";

/** Envoy's advice for proxies at the edge, for what `profile: EDGE` leaves open on a gateway. */
const EDGE: ConnectionSettings = {
  listenerPerConnectionBufferLimitBytes: 32_768,
  httpIdleTimeout: "3600s",
  httpStreamIdleTimeout: "300s",
  httpRequestTimeout: "300s",
  httpRequestHeadersTimeout: "60s",
  httpMaxConcurrentStreams: 100,
  http2InitialStreamWindowSize: 65_536,
  http2InitialConnectionWindowSize: 1_048_576,
  httpHeadersWithUnderscoresAction: "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
  httpMergeSlashes: true,
  httpPathWithEscapedSlashesAction: "UNESCAPE_AND_REDIRECT",
};

const UNSPECIFIED: ReadonlySet<unknown> = new Set([
  "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
  "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
]);

/** The settings with what the profile adds. Source: Istio API, `ProxyConfig.ConnectionSettings`. */
export function effectiveConnectionSettings(
  settings: ConnectionSettings | undefined,
  gateway: boolean,
): ConnectionSettings {
  const stated = Object.fromEntries(
    Object.entries(settings ?? {}).filter(([, value]) => !UNSPECIFIED.has(value)),
  ) as ConnectionSettings;
  return gateway && stated.profile === "EDGE" ? { ...EDGE, ...stated } : stated;
}

const UNDERSCORES = {
  HEADERS_WITH_UNDERSCORES_UNSPECIFIED: undefined,
  HEADERS_WITH_UNDERSCORES_ALLOW: undefined,
  HEADERS_WITH_UNDERSCORES_REJECT_REQUEST: "REJECT_REQUEST",
  HEADERS_WITH_UNDERSCORES_DROP_HEADER: "DROP_HEADER",
} as const;

const positive = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined);

function orUndefined<T extends object>(object: T): T | undefined {
  return Object.keys(object).length === 0 ? undefined : object;
}

/** The manager with the settings in it; what they say goes before the mesh's path normalization. */
export function withConnectionSettings(
  manager: HttpConnectionManager,
  settings: ConnectionSettings,
): HttpConnectionManager {
  const escapedSlashes = settings.httpPathWithEscapedSlashesAction;
  return {
    ...manager,
    ...defined<HttpConnectionManager>({
      commonHttpProtocolOptions: orUndefined({
        ...manager.commonHttpProtocolOptions,
        ...defined<NonNullable<HttpConnectionManager["commonHttpProtocolOptions"]>>({
          idleTimeout: durationOf(settings.httpIdleTimeout),
          maxConnectionDuration: durationOf(settings.httpMaxConnectionDuration),
          maxStreamDuration: durationOf(settings.httpMaxStreamDuration),
          headersWithUnderscoresAction:
            UNDERSCORES[settings.httpHeadersWithUnderscoresAction ?? "HEADERS_WITH_UNDERSCORES_UNSPECIFIED"],
        }),
      }),
      http2ProtocolOptions:
        settings.httpMaxConcurrentStreams === undefined &&
        settings.http2InitialStreamWindowSize === undefined &&
        settings.http2InitialConnectionWindowSize === undefined
          ? manager.http2ProtocolOptions
          : {
              ...manager.http2ProtocolOptions,
              ...defined<NonNullable<HttpConnectionManager["http2ProtocolOptions"]>>({
                maxConcurrentStreams: positive(settings.httpMaxConcurrentStreams),
                initialStreamWindowSize: positive(settings.http2InitialStreamWindowSize),
                initialConnectionWindowSize: positive(settings.http2InitialConnectionWindowSize),
              }),
            },
      streamIdleTimeout: durationOf(settings.httpStreamIdleTimeout) ?? manager.streamIdleTimeout,
      requestTimeout: durationOf(settings.httpRequestTimeout),
      requestHeadersTimeout: durationOf(settings.httpRequestHeadersTimeout),
      drainTimeout: durationOf(settings.httpDrainTimeout),
      mergeSlashes: (settings.httpMergeSlashes ?? manager.mergeSlashes) || undefined,
      pathWithEscapedSlashesAction:
        escapedSlashes && escapedSlashes !== "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED"
          ? escapedSlashes
          : manager.pathWithEscapedSlashesAction,
    }),
  };
}

/** How much one connection may buffer, when the settings say so. */
export function bufferLimit(settings: ConnectionSettings): number | undefined {
  return positive(settings.listenerPerConnectionBufferLimitBytes);
}
