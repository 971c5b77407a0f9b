// Fields of istio/api mesh/v1alpha1.
import { choice, flag, type Infer, message, nullable, text } from "../../schema/message.ts";

export const clientCertDetailsHeader = message({
  subject: nullable(flag()),
  cert: nullable(flag()),
  chain: nullable(flag()),
  dns: nullable(flag()),
  uri: nullable(flag()),
});
export type ClientCertDetailsHeader = Infer<typeof clientCertDetailsHeader>;

export const requestIdHeader = message({
  disabled: nullable(flag()),
});
export type RequestIdHeader = Infer<typeof requestIdHeader>;

export const serverHeader = message({
  disabled: nullable(flag()),
  value: text(),
});
export type ServerHeader = Infer<typeof serverHeader>;

export const attemptCountHeader = message({
  disabled: nullable(flag()),
});
export type AttemptCountHeader = Infer<typeof attemptCountHeader>;

export const envoyDebugHeaders = message({
  disabled: nullable(flag()),
});
export type EnvoyDebugHeaders = Infer<typeof envoyDebugHeaders>;

export const metadataExchangeHeaders = message({
  mode: choice("UNDEFINED", "IN_MESH"),
});
export type MetadataExchangeHeaders = Infer<typeof metadataExchangeHeaders>;

export const xForwardedHostHeader = message({
  enabled: nullable(flag()),
});
export type XForwardedHostHeader = Infer<typeof xForwardedHostHeader>;

export const xForwardedPortHeader = message({
  enabled: nullable(flag()),
});
export type XForwardedPortHeader = Infer<typeof xForwardedPortHeader>;

export const proxyHeaders = message({
  forwardedClientCert: choice(
    "UNDEFINED",
    "SANITIZE",
    "FORWARD_ONLY",
    "APPEND_FORWARD",
    "SANITIZE_SET",
    "ALWAYS_FORWARD_ONLY",
  ),
  setCurrentClientCertDetails: clientCertDetailsHeader,
  requestId: requestIdHeader,
  server: serverHeader,
  attemptCount: attemptCountHeader,
  envoyDebugHeaders,
  metadataExchangeHeaders,
  preserveHttp1HeaderCase: nullable(flag()),
  xForwardedHost: xForwardedHostHeader,
  xForwardedPort: xForwardedPortHeader,
});
export type ProxyHeaders = Infer<typeof proxyHeaders>;
