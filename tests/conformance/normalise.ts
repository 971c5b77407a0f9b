/**
 * What is taken out before our resources are compared with those of istiod, each with its reason. Everything else must
 * be equal. Normalisations get deep copies and may change them.
 */

export const RESOURCE_TYPES = ["clusters", "endpoints", "listeners", "routes"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export interface Normalisation {
  readonly name: string;
  readonly reason: string;
  readonly types: readonly ResourceType[];
  /** Changes a node (any object of the resource, parents before children). `side` says whose resource it is. */
  visit(node: Node, side: "expected" | "actual"): void;
}

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
];

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (isNode(value)) {
    visit(value);
    for (const child of Object.values(value)) walk(child, visit);
  }
}

/** A normalised deep copy of a resource. */
export function normalise(resource: unknown, type: ResourceType, side: "expected" | "actual"): unknown {
  const copy: unknown = structuredClone(resource);
  for (const normalisation of NORMALISATIONS)
    if (normalisation.types.includes(type)) walk(copy, (node) => normalisation.visit(node, side));
  return copy;
}
