/**
 * What is taken out before our resources are compared with those of istiod, each with its reason. Everything else must
 * be equal. Normalisations get deep copies and may change them.
 */

export const RESOURCE_TYPES = ["clusters", "endpoints", "listeners", "routes", "extensions", "nameTables"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export interface Normalisation {
  readonly name: string;
  readonly reason: string;
  readonly types: readonly ResourceType[];
  /** The cases it is for. Default: all. */
  readonly cases?: RegExp;
  /** Changes a node: any object of the resource, parents before children. */
  visit?(node: Node, side: Side): void;
  /** Changes a text anywhere in the resource, its name included. */
  text?(text: string, side: Side): string;
}

/** Whose resource it is: istiod's or ours. */
export type Side = "expected" | "actual";

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

/** Filters that exist in Istio's own build of Envoy only. */
const ISTIO_FILTERS: ReadonlySet<unknown> = new Set(["istio.metadata_exchange", "istio.stats", "istio.alpn"]);

export const NORMALISATIONS: readonly Normalisation[] = [
  {
    name: "istio-filters",
    reason:
      "istio.metadata_exchange, istio.stats and istio.alpn are compiled into Istio's own Envoy; stock Envoy rejects them",
    types: ["clusters", "listeners"],
    visit(node, side) {
      if (side === "actual") return;
      for (const field of ["filters", "httpFilters"]) {
        const filters = node[field];
        if (!Array.isArray(filters)) continue;
        const kept = filters.filter((filter) => !(isNode(filter) && ISTIO_FILTERS.has(filter.name)));
        if (kept.length > 0 || field === "httpFilters") node[field] = kept;
        else delete node[field];
      }
    },
  },
  {
    name: "mesh-alpn",
    reason:
      "without istio.alpn the cluster itself offers the mesh protocol of its declared port (istio-http/1.1, istio-h2), and without metadata exchange nobody may offer istio-peer-exchange",
    types: ["clusters"],
    visit(node) {
      if (!Array.isArray(node.alpnProtocols) || !node.alpnProtocols.includes("istio")) return;
      const offered: readonly unknown[] = node.alpnProtocols;
      node.alpnProtocols = ["istio", "h2"].filter((protocol) => offered.includes(protocol));
    },
  },
  {
    name: "mesh-protocol",
    reason:
      "what istio.alpn tells the server about HTTP on undeclared ports, stock Envoy's set_filter_state does; Istio's output has the former",
    types: ["listeners"],
    visit(node, side) {
      if (side === "expected" || !Array.isArray(node.httpFilters)) return;
      node.httpFilters = node.httpFilters.filter(({ name }) => name !== "envoy.filters.http.set_filter_state");
    },
  },
  {
    name: "no-peer-exchange",
    reason:
      "a server that agrees on istio-peer-exchange must send metadata that only Istio's own filter knows: ours offers what HTTP and TCP have in common",
    types: ["listeners"],
    visit(node, side) {
      if (side === "actual" || !Array.isArray(node.alpnProtocols)) return;
      node.alpnProtocols = node.alpnProtocols.filter((protocol) => protocol !== "istio-peer-exchange");
    },
  },
  {
    name: "pins-beside-files",
    reason:
      "istiod looks at verifyCertificateSpki and verifyCertificateHash beside a credentialName only, and so lets in whom a list beside files does not name; for us a list holds",
    types: ["listeners"],
    cases: /^gateway-mutual-files$/,
    visit(node, side) {
      if (side === "expected") return;
      delete node.verifyCertificateSpki;
      delete node.verifyCertificateHash;
    },
  },
  {
    name: "default-target-port",
    reason:
      "the fake API server behind the corpus does not default a Service's targetPort to its port, so istiod saw target port 0 where a cluster has 9080",
    types: ["clusters"],
    text: (text, side) => (side === "expected" ? text.replace("inbound|0||", "inbound|9080||") : text),
  },
  {
    name: "no-target-port",
    reason:
      "as default-target-port: istiod takes target port 0 for one of the proxy's own and makes no inbound chain, where a cluster has one for 9080",
    types: ["listeners"],
    cases: /^(bookinfo-.*|k8s-annotations|k8s-vm-and-pods)$/,
    visit(node, side) {
      if (side === "expected" || node.name !== "virtualInbound" || !Array.isArray(node.filterChains)) return;
      const chains = node.filterChains as { filterChainMatch?: { destinationPort?: number } }[];
      node.filterChains = chains.filter(({ filterChainMatch }) => filterChainMatch?.destinationPort !== 9080);
      for (const filter of node.listenerFilters as { filterDisabled?: { orMatch?: { rules: Node[] } } }[]) {
        const rules = filter.filterDisabled?.orMatch?.rules;
        const others = rules?.filter(({ destinationPortRange }) => (destinationPortRange as Node).start !== 9080);
        if (others) filter.filterDisabled = others.length === 1 ? { ...others[0] } : { orMatch: { rules: others } };
      }
    },
  },
  {
    name: "healthy",
    reason:
      "istiod marks endpoints of Kubernetes HEALTHY and others not at all; Envoy takes both the same, so we never say it",
    types: ["endpoints"],
    visit(node) {
      if (node.healthStatus === "HEALTHY") delete node.healthStatus;
    },
  },
  {
    name: "twice-selected",
    reason:
      "istiod sends an endpoint twice where a Service and a ServiceEntry of one host select it; Envoy keeps one host an address, and so do we",
    types: ["endpoints"],
    visit(node, side) {
      if (side === "actual" || !Array.isArray(node.lbEndpoints)) return;
      const kept = [...new Map(node.lbEndpoints.map((endpoint) => [JSON.stringify(endpoint), endpoint])).values()];
      if (kept.length === node.lbEndpoints.length) return;
      node.lbEndpoints = kept;
      node.loadBalancingWeight = kept.reduce((sum, endpoint) => sum + endpoint.loadBalancingWeight, 0);
    },
  },
  {
    name: "one-service-a-host",
    reason:
      "istiod keeps a Service and a ServiceEntry of one host apart and takes the domains of whichever is newer, here without the Service's address; for us they are one service, which is reached by its address too",
    types: ["routes"],
    cases: /^k8s-vm-and-pods$/,
    visit(node, side) {
      if (side === "expected" || node.name !== "reviews.default.svc.cluster.local:9080") return;
      node.domains = (node.domains as string[]).filter((domain) => domain !== "10.97.0.3");
    },
  },
];

function walk(value: unknown, normalisation: Normalisation, side: Side): unknown {
  if (typeof value === "string") return normalisation.text?.(value, side) ?? value;
  if (Array.isArray(value)) return value.map((item) => walk(item, normalisation, side));
  if (!isNode(value)) return value;
  normalisation.visit?.(value, side);
  for (const [key, child] of Object.entries(value)) value[key] = walk(child, normalisation, side);
  return value;
}

/** A normalised deep copy of a resource of a case. */
export function normalise(resource: unknown, type: ResourceType, side: Side, name: string): unknown {
  return NORMALISATIONS.filter(({ types, cases }) => types.includes(type) && (cases?.test(name) ?? true)).reduce(
    (value, normalisation) => walk(value, normalisation, side),
    structuredClone(resource),
  );
}

/** The name that a resource has after normalisation. */
export function normaliseName(name: string, type: ResourceType, side: Side, of: string): string {
  return String(normalise(name, type, side, of));
}
