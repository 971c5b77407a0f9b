import { formatDuration, type MeshProxyConfig, parseDuration } from "@fairlead/config";
import { meshConfigOf, type Reader } from "@fairlead/mesh";
import type { InterceptionMode } from "@fairlead/model";
import { type AddressFamily, addressFamily } from "./address.ts";

/** Where redirected traffic arrives. */
export function capturePorts(read: Reader): { readonly outbound: number; readonly inbound: number } {
  const { proxyListenPort, proxyInboundListenPort } = meshConfigOf(read);
  return { outbound: proxyListenPort || 15001, inbound: proxyInboundListenPort || 15006 };
}

export function interceptionModeOf(read: Reader): InterceptionMode {
  return read.fact("interception mode", (node) => node.interceptionMode);
}

export function isGateway(read: Reader): boolean {
  return read.fact("is gateway", (node) => node.type === "router");
}

export function addressFamilyOf(read: Reader): AddressFamily {
  return read.fact("address family", (node) => addressFamily(node.ipAddresses));
}

/** A metadata field as text; empty when the proxy does not send it. */
export function metadataText(read: Reader, key: string): string {
  return read.fact(`metadata ${key}`, (node) => {
    const value = node.metadata[key];
    return value === undefined || value === null ? "" : String(value);
  });
}

/** A metadata field that is on as `true` or `"true"` or `"1"`. */
export function metadataFlag(read: Reader, key: string): boolean {
  return /^(1|t|true)$/i.test(metadataText(read, key));
}

/** The parts of a proxy's configuration that listeners and routes show. */
export type ProxySettings = Pick<
  MeshProxyConfig,
  "tracing" | "proxyHeaders" | "gatewayTopology" | "connectionSettings"
>;

/** What the proxy says it was started with, else the mesh default. Source: Istio `NodeMetadata.ProxyConfigOrDefault`. */
export function proxySettingsOf(read: Reader): ProxySettings {
  const own = read.fact("proxy settings", (node) => {
    const config = node.metadata.PROXY_CONFIG;
    if (typeof config !== "object" || config === null) return "";
    const { tracing, proxyHeaders, gatewayTopology, connectionSettings } = config as ProxySettings;
    return JSON.stringify({ tracing, proxyHeaders, gatewayTopology, connectionSettings });
  });
  return own ? (JSON.parse(own) as ProxySettings) : (meshConfigOf(read).defaultConfig ?? {});
}

/** How long an idle connection is kept, when the proxy says so (`IDLE_TIMEOUT`); a protobuf duration. */
export function idleTimeoutOf(read: Reader): string | undefined {
  return durationOf(metadataText(read, "IDLE_TIMEOUT"));
}

/** Whether the mesh sends traffic to unknown destinations on. */
export type UnknownDestinations = "ALLOW_ANY" | "REGISTRY_ONLY" | "ALLOW_ANY_DYNAMIC_DNS";

export function http10Accepted(read: Reader): boolean {
  return metadataText(read, "HTTP10") === "1";
}

/** A duration as users write it (`1h30m`) as protobuf JSON (`5400s`); undefined when there is none. */
export function durationOf(text: string | undefined): string | undefined {
  if (!text) return undefined;
  const milliseconds = parseDuration(text);
  return milliseconds === undefined ? undefined : formatDuration(milliseconds);
}
