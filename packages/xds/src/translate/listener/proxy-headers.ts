import type { ProxyHeaders } from "@fairlead/config";
import type {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManager_SetCurrentClientCertDetails,
} from "../../proto/types.ts";
import { defined } from "./typed.ts";

/** On which side of a proxy a listener is; HTTP settings and telemetry tell them apart. */
export type ListenerClass = "sidecar-inbound" | "sidecar-outbound" | "gateway";

/** What `proxyHeaders` of a proxy's configuration comes to. Source: Istio API, `ProxyConfig.ProxyHeaders`. */
export interface EffectiveProxyHeaders {
  readonly serverName: string | undefined;
  readonly serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation | undefined;
  readonly generateRequestId: boolean | undefined;
  readonly suppressEnvoyHeaders: boolean;
  readonly forwardedClientCert: HttpConnectionManager_ForwardClientCertDetails | undefined;
  readonly includeAttemptCount: boolean;
  readonly appendXForwardedHost: boolean;
}

const DEFAULT_SERVER_NAME = "istio-envoy";

export function effectiveProxyHeaders(
  headers: ProxyHeaders | undefined,
  listenerClass: ListenerClass,
): EffectiveProxyHeaders {
  const { server } = headers ?? {};
  // Outbound answers say "envoy", Envoy's own default; so do Istio's.
  const defaultName = listenerClass === "sidecar-outbound" ? undefined : DEFAULT_SERVER_NAME;
  return {
    serverName: server?.disabled ? undefined : server?.value || defaultName,
    serverHeaderTransformation: server?.disabled ? "PASS_THROUGH" : undefined,
    generateRequestId: headers?.requestId?.disabled ? false : undefined,
    suppressEnvoyHeaders: headers?.envoyDebugHeaders?.disabled ?? false,
    forwardedClientCert: forwardClientCert(headers?.forwardedClientCert, "APPEND_FORWARD"),
    includeAttemptCount: !headers?.attemptCount?.disabled,
    appendXForwardedHost: headers?.xForwardedHost?.enabled ?? false,
  };
}

/** Envoy's word for how the client certificate header is treated; undefined is Envoy's default, SANITIZE. */
export function forwardClientCert(
  stated: string | undefined,
  fallback: HttpConnectionManager_ForwardClientCertDetails,
): HttpConnectionManager_ForwardClientCertDetails | undefined {
  const value = !stated || stated === "UNDEFINED" ? fallback : stated;
  return value === "SANITIZE" ? undefined : (value as HttpConnectionManager_ForwardClientCertDetails);
}

/** Which details of the client's certificate a sidecar hands to its workload. Default: subject, URI and DNS names. */
export function clientCertDetails(
  headers: ProxyHeaders | undefined,
): HttpConnectionManager_SetCurrentClientCertDetails {
  const { subject, uri, dns, cert, chain } = headers?.setCurrentClientCertDetails ?? {};
  return defined<HttpConnectionManager_SetCurrentClientCertDetails>({
    subject: subject ?? true,
    uri: (uri ?? true) || undefined,
    dns: (dns ?? true) || undefined,
    cert: cert || undefined,
    chain: chain || undefined,
  });
}
