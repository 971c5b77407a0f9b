import type { Locality } from "@fairlead/model";
import type { Field } from "./field.ts";

/** Where a Node stands, by its well-known labels; undefined when it does not say. */
export function nodeLocality(node: Field): Locality | undefined {
  const labels = node.at("metadata").at("labels").labels();
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "";
  const subzone = labels["topology.istio.io/subzone"] ?? "";
  return region || zone || subzone ? { region, zone, subzone } : undefined;
}
