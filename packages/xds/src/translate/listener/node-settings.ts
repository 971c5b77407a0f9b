import { formatDuration, type MeshProxyConfig, parseDuration } from "@fairlead/config";
import { meshConfigOf, type Reader } from "@fairlead/mesh";
import type { InterceptionMode, ProxyNode } from "@fairlead/model";
import { type AddressFamily, addressFamily } from "./address.ts";

/** Where redirected traffic arrives. */
export function capturePorts(read: Reader): { readonly outbound: number; readonly inbound: number } {
  const { proxyListenPort, proxyInboundListenPort } = meshConfigOf(read);
  return { outbound: proxyListenPort || 15001, inbound: proxyInboundListenPort || 15006 };
}

/** Metadata that a proxy's start decides: equal for all replicas, so one fact holds them all. */
const START_KEYS = [
  "DNS_CAPTURE",
  "DNS_PROXY_ADDR",
  "ENVOY_PROMETHEUS_PORT",
  "ENVOY_SECURE_MERGED_METRICS_PORT",
  "ENVOY_SECURE_METRICS_PORT",
  "ENVOY_STATUS_PORT",
  "HTTP10",
  "HTTP_PROXY_PORT",
  "IDLE_TIMEOUT",
  "INBOUND_LISTENER_EXACT_BALANCE",
  "OUTBOUND_LISTENER_EXACT_BALANCE",
  "UNPRIVILEGED_POD",
  "credential",
  "file-credential",
] as const;

type StartKey = (typeof START_KEYS)[number];

interface StartSettings {
  readonly interceptionMode: InterceptionMode;
  readonly metadata: Readonly<Partial<Record<StartKey, string>>>;
  readonly config?: ProxySettings | undefined;
}

/** Ports that the proxy itself listens on. */
export function reservedPorts(read: Reader): ReadonlySet<number> {
  const { outbound, inbound } = capturePorts(read);
  const own = RESERVED_KEYS.map((key) => Number(metadataText(read, key))).filter((port) => port > 0);
  return new Set([outbound, inbound, ...own]);
}

const RESERVED_KEYS = [
  "ENVOY_STATUS_PORT",
  "ENVOY_PROMETHEUS_PORT",
  "ENVOY_SECURE_METRICS_PORT",
  "ENVOY_SECURE_MERGED_METRICS_PORT",
] as const satisfies readonly StartKey[];

const texts = new WeakMap<ProxyNode, string>();
/** By text; the few that a mesh has. */
const parsed = new Map<string, StartSettings>();
const MOST_PARSED = 1000;

function startText(node: ProxyNode): string {
  let text = texts.get(node);
  if (text === undefined) {
    const metadata: Partial<Record<StartKey, string>> = {};
    for (const key of START_KEYS) {
      const value = node.metadata[key];
      if (value !== undefined && value !== null) metadata[key] = String(value);
    }
    const own = node.metadata.PROXY_CONFIG;
    const config = typeof own === "object" && own !== null ? shownSettings(own as ProxySettings) : undefined;
    text = JSON.stringify({ interceptionMode: node.interceptionMode, metadata, config } satisfies StartSettings);
    texts.set(node, text);
  }
  return text;
}

function shownSettings({ tracing, proxyHeaders, gatewayTopology, connectionSettings }: ProxySettings): ProxySettings {
  return { tracing, proxyHeaders, gatewayTopology, connectionSettings } as ProxySettings;
}

function startSettings(read: Reader): StartSettings {
  const text = read.fact("start settings", startText);
  let settings = parsed.get(text);
  if (!settings) {
    if (parsed.size >= MOST_PARSED) parsed.clear();
    settings = JSON.parse(text) as StartSettings;
    parsed.set(text, settings);
  }
  return settings;
}

export function interceptionModeOf(read: Reader): InterceptionMode {
  return startSettings(read).interceptionMode;
}

export function isGateway(read: Reader): boolean {
  return read.fact("is gateway", (node) => node.type === "router");
}

/** Programs that speak xDS themselves (gRPC's libraries). Source: Istio, node metadata `GENERATOR: grpc`. */
export function isProxyless(read: Reader): boolean {
  return read.fact("proxyless", (node) => node.type === "sidecar" && node.metadata.GENERATOR === "grpc");
}

const families = new WeakMap<ProxyNode, AddressFamily>();

function familyOf(node: ProxyNode): AddressFamily {
  let family = families.get(node);
  if (!family) {
    family = addressFamily(node.ipAddresses);
    families.set(node, family);
  }
  return family;
}

export function addressFamilyOf(read: Reader): AddressFamily {
  return read.fact("address family", familyOf);
}

/** A metadata field as text; empty when the proxy does not send it. */
export function metadataText(read: Reader, key: StartKey): string {
  return startSettings(read).metadata[key] ?? "";
}

/** A metadata field that is on as `true` or `"true"` or `"1"`. */
export function metadataFlag(read: Reader, key: StartKey): boolean {
  return /^(1|t|true)$/i.test(metadataText(read, key));
}

/** The parts of a proxy's configuration that listeners and routes show. */
export type ProxySettings = Pick<
  MeshProxyConfig,
  "tracing" | "proxyHeaders" | "gatewayTopology" | "connectionSettings"
>;

/** What the proxy says it was started with, else the mesh default. Source: Istio `NodeMetadata.ProxyConfigOrDefault`. */
export function proxySettingsOf(read: Reader): ProxySettings {
  return startSettings(read).config ?? meshConfigOf(read).defaultConfig ?? {};
}

/** How long an idle connection is kept, when the proxy says so (`IDLE_TIMEOUT`); a protobuf duration. */
export function idleTimeoutOf(read: Reader): string | undefined {
  return durationOf(metadataText(read, "IDLE_TIMEOUT"));
}

export function http10Accepted(read: Reader): boolean {
  return metadataText(read, "HTTP10") === "1";
}

/** A duration as users write it (`1h30m`) as protobuf JSON (`5400s`); undefined when there is none. */
export function durationOf(text: string | undefined): string | undefined {
  if (!text) return undefined;
  const milliseconds = parseDuration(text);
  return milliseconds === undefined ? undefined : formatDuration(milliseconds);
}
