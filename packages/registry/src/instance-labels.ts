import { type Labels, type Locality, parseLocality } from "@fairlead/model";

/** Where the instances of a registry run. */
export interface Placement {
  /** Name of the cluster, as proxies say it in `CLUSTER_ID`. */
  readonly clusterId: string;
  /** Network of instances that do not say otherwise; empty: the one flat network. */
  readonly network: string;
}

/**
 * Labels of an instance with those that tell where it runs, by which subsets and fail-over may pick.
 * Source: Istio `serviceregistry/util/label`.
 */
export function instanceLabels(
  own: Labels,
  at: { readonly clusterId: string; readonly locality: Locality; readonly network: string; readonly nodeName?: string },
): Labels {
  const labels: Record<string, string> = { ...own };
  const { region, zone, subzone } = at.locality;
  if (region) labels["topology.kubernetes.io/region"] = region;
  if (zone) labels["topology.kubernetes.io/zone"] = zone;
  if (subzone) labels["topology.istio.io/subzone"] = subzone;
  if (at.clusterId) labels["topology.istio.io/cluster"] = at.clusterId;
  if (at.nodeName) labels["kubernetes.io/hostname"] = at.nodeName;
  if (at.network && !labels["topology.istio.io/network"]) labels["topology.istio.io/network"] = at.network;
  return labels;
}

/** The locality that a workload's own labels give; they win over its node. Labels cannot hold `/`, so `.` stands for it. */
export function localityOfLabels(labels: Labels): Locality | undefined {
  const text = labels["topology.istio.io/locality"] ?? labels["istio-locality"];
  if (!text) return undefined;
  return parseLocality(text.includes("/") ? text : text.replaceAll(".", "/"));
}

export const NO_LOCALITY: Locality = parseLocality("");
