import { meshConfigOf, meshNetworksOf, type Reader } from "@fairlead/mesh";
import type { Protocol } from "@fairlead/model";
import type { HttpConnectionManager, HttpFilter, ListenerFilter, RouteConfiguration } from "../../proto/types.ts";
import type { ExtensionPhase } from "../extension/extensions.ts";
import { extensionFilters } from "../extension/filters.ts";
import type { Build } from "../generated.ts";
import { authenticationFilters, httpAuthorizationFilters } from "../security/filters.ts";
import { sessionFilters } from "../stateful-session.ts";
import { accessLogs } from "./access-log.ts";
import { cidrRange } from "./address.ts";
import { effectiveConnectionSettings, withConnectionSettings } from "./connection-settings.ts";
import { http10Accepted, idleTimeoutOf, isGateway, proxySettingsOf } from "./node-settings.ts";
import { effectiveProxyHeaders, type ListenerClass } from "./proxy-headers.ts";
import { CORS, FAULT, GRPC_STATS, GRPC_WEB, routerFilter } from "./static-filters.ts";
import { effectiveTracing } from "./tracing.ts";
import { defined, typed } from "./typed.ts";

export interface HttpOptions {
  readonly listenerClass: ListenerClass;
  /** A name to ask for over RDS, or the routes themselves. */
  readonly routes: string | RouteConfiguration;
  readonly statPrefix: string;
  readonly protocol: Protocol;
  readonly useRemoteAddress: boolean;
  /** Settings of one kind of listener, which the common ones are put on top of. */
  readonly base?: HttpConnectionManager;
  /** The port that extensions may be chosen by; 0 where there are many. */
  readonly port: number;
  /** Filters that come right before the router. */
  readonly lastFilters?: readonly HttpFilter[];
}

const NORMALIZATION = {
  DEFAULT: { normalizePath: true },
  NONE: { normalizePath: false },
  BASE: { normalizePath: true },
  MERGE_SLASHES: { normalizePath: true, mergeSlashes: true },
  DECODE_AND_MERGE_SLASHES: {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: "UNESCAPE_AND_FORWARD",
  },
} as const satisfies Record<string, HttpConnectionManager>;

/** Ends a statistics prefix, so that the rest of a name cannot be taken for part of it. */
export const STAT_PREFIX_END = ";";

/**
 * The HTTP connection manager of a filter chain, with the settings that all have in common. Filters in order:
 * security and extensions, gRPC-Web, gRPC statistics, fault, CORS, router.
 */
export function httpConnectionManager(build: Build, options: HttpOptions): ListenerFilter {
  const { read } = build;
  const { listenerClass, routes, base = {} } = options;
  const { normalization } = meshConfigOf(read).pathNormalization ?? {};
  const { proxyHeaders, connectionSettings } = proxySettingsOf(read);
  const headers = effectiveProxyHeaders(proxyHeaders, listenerClass);
  const { tracing, sampleByRequestId } = effectiveTracing(build, listenerClass);
  const idleTimeout = idleTimeoutOf(read);
  const manager = withConnectionSettings(
    defined<HttpConnectionManager>({
      statPrefix: options.statPrefix,
      ...(typeof routes === "string" ? { rds: rds(routes) } : { routeConfig: routes }),
      serverName: headers.serverName,
      serverHeaderTransformation: headers.serverHeaderTransformation,
      generateRequestId: headers.generateRequestId,
      ...base,
      httpProtocolOptions: http1Options(read, base, proxyHeaders?.preserveHttp1HeaderCase ?? false),
      pathWithEscapedSlashesAction: "KEEP_UNCHANGED",
      ...NORMALIZATION[normalization ?? "DEFAULT"],
      proxy100Continue: true,
      appendXForwardedPort: proxyHeaders?.xForwardedPort?.enabled || undefined,
      useRemoteAddress: options.useRemoteAddress,
      upgradeConfigs: [{ upgradeType: "websocket" }],
      commonHttpProtocolOptions: idleTimeout ? { idleTimeout } : undefined,
      streamIdleTimeout: "0s",
      accessLog: accessLogs(build, listenerClass, "http"),
      tracing,
      httpFilters: [
        ...leadingFilters(build, options),
        ...(options.protocol === "GRPC-Web" ? [GRPC_WEB] : []),
        GRPC_STATS,
        FAULT,
        CORS,
        ...(listenerClass === "sidecar-inbound" ? [] : sessionFilters(read)),
        ...(options.lastFilters ?? []),
        routerFilter(headers.suppressEnvoyHeaders),
      ],
      requestIdExtension: {
        typedConfig: typed("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", {
          useRequestIdForTraceSampling: sampleByRequestId,
        }),
      },
      internalAddressConfig: options.useRemoteAddress ? internalAddresses(read) : undefined,
    }),
    effectiveConnectionSettings(connectionSettings, isGateway(read)),
  );
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", manager),
  };
}

/**
 * Authentication and authorization, where callers come in, and extensions by phase between them. Source: Istio
 * `ListenerBuilder.buildHTTPConnectionManager`.
 */
function leadingFilters(build: Build, { listenerClass, port }: HttpOptions): HttpFilter[] {
  const secured = listenerClass !== "sidecar-outbound";
  const extensions = (phase: ExtensionPhase) => extensionFilters(build, phase, listenerClass, port);
  return [
    ...(secured ? httpAuthorizationFilters(build, "custom") : []),
    ...extensions("AUTHN"),
    ...(secured ? authenticationFilters(build) : []),
    ...extensions("AUTHZ"),
    ...(secured ? httpAuthorizationFilters(build, "local") : []),
    ...extensions("STATS"),
    ...extensions("UNSPECIFIED"),
  ];
}

function rds(routeConfigName: string): NonNullable<HttpConnectionManager["rds"]> {
  return {
    configSource: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
    routeConfigName,
  };
}

function http1Options(read: Reader, base: HttpConnectionManager, preserveCase: boolean) {
  const options = {
    ...base.httpProtocolOptions,
    ...(http10Accepted(read) ? { acceptHttp10: true } : {}),
    ...(preserveCase ? { headerKeyFormat: PRESERVE_CASE } : {}),
  };
  return base.httpProtocolOptions || Object.keys(options).length > 0 ? options : undefined;
}

const PRESERVE_CASE = {
  statefulFormatter: {
    name: "preserve_case",
    typedConfig: typed("envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig", {}),
  },
};

/** The networks of the mesh, which requests are taken to be internal from when the client's own address is looked at. */
function internalAddresses(read: Reader): HttpConnectionManager["internalAddressConfig"] {
  const ranges = Object.values(meshNetworksOf(read).networks ?? {})
    .flatMap((network) => network.endpoints ?? [])
    .flatMap(({ fromCidr }) => (fromCidr ? (cidrRange(fromCidr) ?? []) : []))
    .sort((a, b) => compare(a.addressPrefix ?? "", b.addressPrefix ?? "") || (a.prefixLen ?? 0) - (b.prefixLen ?? 0));
  return ranges.length > 0 ? { cidrRanges: ranges } : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
