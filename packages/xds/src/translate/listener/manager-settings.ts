import { meshConfigOf, meshNetworksOf, type Query, type Reader } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { HttpConnectionManager, HttpFilter } from "../../proto/types.ts";
import type { ExtensionPhase } from "../extension/extensions.ts";
import { extensionFilters } from "../extension/filters.ts";
import type { Build } from "../generated.ts";
import { type Part, partOf } from "../route/part.ts";
import { authenticationFilters, httpAuthorizationFilters } from "../security/filters.ts";
import { sessionFilters } from "../stateful-session.ts";
import { accessLogs } from "./access-log.ts";
import { cidrRange } from "./address.ts";
import { effectiveConnectionSettings, withConnectionSettings } from "./connection-settings.ts";
import { gatewayBase } from "./gateway-http.ts";
import { http10Accepted, idleTimeoutOf, isGateway, proxySettingsOf } from "./node-settings.ts";
import { clientCertDetails, effectiveProxyHeaders, type ListenerClass } from "./proxy-headers.ts";
import { CORS, FAULT, GRPC_STATS, GRPC_WEB, routerFilter } from "./static-filters.ts";
import { effectiveTracing } from "./tracing.ts";
import { defined, typed } from "./typed.ts";

/** The kinds of HTTP connection managers: those of one kind differ in names, routes and last filters only. */
export type ManagerKind = keyof typeof CLASSES;

const CLASSES = {
  outbound: "sidecar-outbound",
  /** A forward proxy for applications that are told to use one. */
  "outbound-proxy": "sidecar-outbound",
  inbound: "sidecar-inbound",
  /** Of ports that are known to speak HTTP/2. */
  "inbound-http2": "sidecar-inbound",
  gateway: "gateway",
  "gateway-http3": "gateway",
} as const satisfies Record<string, ListenerClass>;

export function listenerClassOf(kind: ManagerKind): ListenerClass {
  return CLASSES[kind];
}

export interface ManagerVariant {
  readonly kind: ManagerKind;
  /** The port that extensions are chosen by; 0 where none asks for it. */
  readonly port: number;
  readonly grpcWeb: boolean;
}

const settingsOf: Query<ManagerVariant, Part<HttpConnectionManager>> = {
  name: "http-connection-manager",
  key: ({ kind, port, grpcWeb }) => `${kind} ${port} ${grpcWeb}`,
  compute: (read, variant) => partOf(read, (build) => madeSettings(build, variant)),
};

/**
 * All of a manager but its name and routes. Made once for all filter chains of a node, and each field of it written once: a
 * manager has twenty, and a gateway thousands of managers.
 */
export function managerSettings(read: Reader, variant: ManagerVariant): Part<HttpConnectionManager> {
  return read.ask(settingsOf, variant);
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

/** Filters in order: security and extensions, gRPC-Web, gRPC statistics, fault, CORS, sessions, router. */
function madeSettings(build: Build, { kind, port, grpcWeb }: ManagerVariant): HttpConnectionManager {
  const { read } = build;
  const listenerClass = CLASSES[kind];
  const base = baseOf(build, kind);
  // Headers such as timeouts that an application sets are trusted as they come; those of clients outside are not.
  const useRemoteAddress = listenerClass === "gateway";
  const { normalization } = meshConfigOf(read).pathNormalization ?? {};
  const { proxyHeaders, connectionSettings } = proxySettingsOf(read);
  const headers = effectiveProxyHeaders(proxyHeaders, listenerClass);
  const { tracing, sampleByRequestId } = effectiveTracing(build, listenerClass);
  const idleTimeout = idleTimeoutOf(read);
  const settings = withConnectionSettings(
    defined<HttpConnectionManager>({
      serverName: headers.serverName,
      serverHeaderTransformation: headers.serverHeaderTransformation,
      generateRequestId: headers.generateRequestId,
      ...base,
      httpProtocolOptions: http1Options(read, base, proxyHeaders?.preserveHttp1HeaderCase ?? false),
      pathWithEscapedSlashesAction: "KEEP_UNCHANGED",
      ...NORMALIZATION[normalization ?? "DEFAULT"],
      proxy100Continue: true,
      appendXForwardedPort: proxyHeaders?.xForwardedPort?.enabled || undefined,
      useRemoteAddress,
      upgradeConfigs: [{ upgradeType: "websocket" }],
      commonHttpProtocolOptions: idleTimeout ? { idleTimeout } : undefined,
      streamIdleTimeout: "0s",
      accessLog: accessLogs(build, listenerClass, "http"),
      tracing,
      httpFilters: [
        ...leadingFilters(build, listenerClass, port),
        ...(grpcWeb ? [GRPC_WEB] : []),
        GRPC_STATS,
        FAULT,
        CORS,
        ...(listenerClass === "sidecar-inbound" ? [] : sessionFilters(read)),
        routerFilter(headers.suppressEnvoyHeaders),
      ],
      requestIdExtension: {
        typedConfig: typed("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", {
          useRequestIdForTraceSampling: sampleByRequestId,
        }),
      },
      internalAddressConfig: useRemoteAddress ? internalAddresses(read) : undefined,
    }),
    effectiveConnectionSettings(connectionSettings, isGateway(read)),
  );
  for (const field of Object.values(settings)) if (typeof field === "object" && field !== null) shared(field);
  return settings;
}

/** What one kind has before what all have is put on top. */
function baseOf(build: Build, kind: ManagerKind): HttpConnectionManager {
  switch (kind) {
    case "outbound":
      return {};
    case "outbound-proxy":
      return { httpProtocolOptions: { allowAbsoluteUrl: true } };
    case "gateway":
      return gatewayBase(build);
    case "gateway-http3":
      return { ...gatewayBase(build), codecType: "HTTP3", http3ProtocolOptions: {} };
    default: {
      const { proxyHeaders } = proxySettingsOf(build.read);
      return defined<HttpConnectionManager>({
        forwardClientCertDetails: effectiveProxyHeaders(proxyHeaders, "sidecar-inbound").forwardedClientCert,
        setCurrentClientCertDetails: clientCertDetails(proxyHeaders),
        http2ProtocolOptions: kind === "inbound-http2" ? {} : undefined,
      });
    }
  }
}

/**
 * Authentication and authorization, where callers come in, and extensions by phase between them. Source: Istio
 * `ListenerBuilder.buildHTTPConnectionManager`.
 */
function leadingFilters(build: Build, listenerClass: ListenerClass, port: number): HttpFilter[] {
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
