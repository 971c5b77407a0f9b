import type { Diagnostic } from "./diagnostic.ts";
import type { Labels } from "./labels.ts";
import type { Locality } from "./locality.ts";

export type ProxyType = "sidecar" | "router" | "waypoint" | "ztunnel";

/** How traffic reaches the proxy: redirected by iptables, by TPROXY, or only because clients address it. */
export type InterceptionMode = "REDIRECT" | "TPROXY" | "NONE";

/** Envoy's `core.v3.Node` in protobuf JSON, as a client sends it or a file holds it. */
export interface NodeJson {
  readonly id?: string;
  readonly cluster?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly locality?: {
    readonly region?: string;
    readonly zone?: string;
    readonly subZone?: string;
    readonly sub_zone?: string;
  };
  readonly userAgentName?: string;
  readonly userAgentVersion?: string;
  readonly userAgentBuildVersion?: {
    readonly version?: { readonly majorNumber?: number; readonly minorNumber?: number; readonly patch?: number };
  };
}

/** A proxy, as its node message describes it. */
export interface ProxyNode {
  /** The node id as sent. */
  readonly id: string;
  readonly type: ProxyType;
  /** `NAME.NAMESPACE` of the workload. */
  readonly name: string;
  readonly namespace: string;
  readonly ipAddresses: readonly string[];
  /** The DNS domain short names are completed with, e.g. `default.svc.cluster.local`. */
  readonly dnsDomain: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly clusterId: string;
  readonly network: string;
  readonly locality: Locality;
  readonly interceptionMode: InterceptionMode;
  readonly workloadName: string;
  /** Envoy's version (`1.40.0`), or empty. */
  readonly clientVersion: string;
  /** `envoy`, `gRPC Node Pure JS`, … or empty. */
  readonly clientName: string;
  /** Everything the proxy says about itself. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type ParsedNode =
  | { readonly node: ProxyNode; readonly diagnostics: readonly [] }
  | { readonly node: undefined; readonly diagnostics: readonly Diagnostic[] };

const TYPES: ReadonlySet<string> = new Set(["sidecar", "router", "waypoint", "ztunnel"]);

/**
 * Reads Istio's node id `TYPE~IP~NAME.NAMESPACE~DOMAIN` and metadata. What is wrong is said all at once.
 * Defaults: namespace from the id, cluster `Kubernetes`, interception `REDIRECT`.
 */
export function parseNode(json: NodeJson): ParsedNode {
  const diagnostics: Diagnostic[] = [];
  const report = (path: string, message: string) =>
    diagnostics.push({ code: "node-invalid", severity: "error", path, message });
  const id = typeof json.id === "string" ? json.id : "";
  const metadata = json.metadata ?? {};
  const parts = id.split("~");
  const [type = "", ip = "", name = "", dnsDomain = ""] = parts;
  if (parts.length !== 4) report("id", `${JSON.stringify(id)} is not of the form TYPE~IP~NAME.NAMESPACE~DOMAIN`);
  else {
    if (!TYPES.has(type)) report("id", `${JSON.stringify(type)} is not a proxy type (${[...TYPES].join(", ")})`);
    if (!name.includes(".")) report("id", `${JSON.stringify(name)} is not of the form NAME.NAMESPACE`);
  }
  const text = (key: string): string => {
    const value = metadata[key];
    if (value === undefined || value === null) return "";
    if (typeof value !== "string") report(`metadata.${key}`, `expected a string, found ${typeof value}`);
    return typeof value === "string" ? value : "";
  };
  const labels: Record<string, string> = {};
  const rawLabels = metadata.LABELS ?? {};
  if (typeof rawLabels !== "object" || rawLabels === null || Array.isArray(rawLabels))
    report("metadata.LABELS", "expected a map of strings");
  else for (const [key, value] of Object.entries(rawLabels)) labels[key] = String(value);
  const interception = text("INTERCEPTION_MODE").toUpperCase() || "REDIRECT";
  if (interception !== "REDIRECT" && interception !== "TPROXY" && interception !== "NONE")
    report("metadata.INTERCEPTION_MODE", `${JSON.stringify(interception)} is not REDIRECT, TPROXY or NONE`);
  const listed = text("INSTANCE_IPS").split(",").filter(Boolean);
  const ipAddresses = ip === "" ? listed : [ip, ...listed.filter((address) => address !== ip)];
  const namespace = text("NAMESPACE") || name.slice(name.indexOf(".") + 1);
  const serviceAccount = text("SERVICE_ACCOUNT");
  const clusterId = text("CLUSTER_ID") || "Kubernetes";
  const network = text("NETWORK") || labels["topology.istio.io/network"] || "";
  const workloadName = text("WORKLOAD_NAME");
  if (diagnostics.length > 0) return { node: undefined, diagnostics };
  const version = json.userAgentBuildVersion?.version;
  return {
    diagnostics: [],
    node: {
      id,
      type: type as ProxyType,
      name,
      namespace,
      ipAddresses,
      dnsDomain,
      labels,
      serviceAccount,
      clusterId,
      network,
      locality: {
        region: json.locality?.region ?? "",
        zone: json.locality?.zone ?? "",
        subzone: json.locality?.subZone ?? json.locality?.sub_zone ?? "",
      },
      interceptionMode: interception as InterceptionMode,
      workloadName: workloadName || name.slice(0, name.indexOf(".")),
      clientVersion: version
        ? `${version.majorNumber ?? 0}.${version.minorNumber ?? 0}.${version.patch ?? 0}`
        : (json.userAgentVersion ?? ""),
      clientName: json.userAgentName ?? "",
      metadata,
    },
  };
}
