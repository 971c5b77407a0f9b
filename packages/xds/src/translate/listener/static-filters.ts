import { shared } from "../../proto/shared.ts";
import type { EnvoyMessages, HttpFilter, ListenerListenerFilter } from "../../proto/types.ts";
import { typed } from "./typed.ts";

/** Filters without settings of their own. */

export const TLS_INSPECTOR: ListenerListenerFilter = shared({
  name: "envoy.filters.listener.tls_inspector",
  // The default buffer is 64 KiB a connection; a ClientHello rarely needs more than this, and the buffer grows.
  typedConfig: typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", { initialReadBufferSize: 512 }),
});

export const HTTP_INSPECTOR: ListenerListenerFilter = shared({
  name: "envoy.filters.listener.http_inspector",
  typedConfig: typed("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector", {}),
});

export const ORIGINAL_DESTINATION: ListenerListenerFilter = shared({
  name: "envoy.filters.listener.original_dst",
  typedConfig: typed("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", {}),
});

/** Keeps the client's address towards the workload under TPROXY; the mark is the one that iptables lets through. */
export const ORIGINAL_SOURCE: ListenerListenerFilter = shared({
  name: "envoy.filters.listener.original_src",
  typedConfig: typed("envoy.extensions.filters.listener.original_src.v3.OriginalSrc", { mark: 1337 }),
});

export const PROXY_PROTOCOL: ListenerListenerFilter = shared({
  name: "envoy.filters.listener.proxy_protocol",
  typedConfig: typed("envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol", {}),
});

export const GRPC_WEB: HttpFilter = shared({
  name: "envoy.filters.http.grpc_web",
  typedConfig: typed("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", {}),
});

export const GRPC_STATS: HttpFilter = shared({
  name: "envoy.filters.http.grpc_stats",
  typedConfig: typed("envoy.extensions.filters.http.grpc_stats.v3.FilterConfig", {
    emitFilterState: true,
    statsForAllMethods: false,
  }),
});

/** Does nothing by itself: routes carry the faults. */
export const FAULT: HttpFilter = shared({
  name: "envoy.filters.http.fault",
  typedConfig: typed("envoy.extensions.filters.http.fault.v3.HTTPFault", {}),
});

/** Does nothing by itself: routes carry the policies. */
export const CORS: HttpFilter = shared({
  name: "envoy.filters.http.cors",
  typedConfig: typed("envoy.extensions.filters.http.cors.v3.Cors", {}),
});

const router = (settings: EnvoyMessages["envoy.extensions.filters.http.router.v3.Router"]): HttpFilter =>
  shared({
    name: "envoy.filters.http.router",
    typedConfig: typed("envoy.extensions.filters.http.router.v3.Router", settings),
  });

const ROUTER = router({});
const SILENT_ROUTER = router({ suppressEnvoyHeaders: true });

/** The last of every HTTP filter chain. */
export function routerFilter(suppressEnvoyHeaders: boolean): HttpFilter {
  return suppressEnvoyHeaders ? SILENT_ROUTER : ROUTER;
}
