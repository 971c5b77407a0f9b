import type { HttpConnectionManager } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { proxySettingsOf } from "./node-settings.ts";
import { forwardClientCert } from "./proxy-headers.ts";
import { defined } from "./typed.ts";

/** What gateways do with the client's address and certificate. Source: Istio API, `ProxyConfig.gatewayTopology`. */
export function gatewayBase({ read }: Build): HttpConnectionManager {
  const { gatewayTopology } = proxySettingsOf(read);
  const details = forwardClientCert(gatewayTopology?.forwardClientCertDetails, "SANITIZE_SET");
  return defined<HttpConnectionManager>({
    httpProtocolOptions: {},
    xffNumTrustedHops: gatewayTopology?.numTrustedProxies || undefined,
    forwardClientCertDetails: details,
    setCurrentClientCertDetails:
      details === "APPEND_FORWARD" || details === "SANITIZE_SET"
        ? { subject: true, cert: true, dns: true, uri: true }
        : undefined,
  });
}
