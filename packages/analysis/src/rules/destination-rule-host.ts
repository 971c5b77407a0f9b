import { localityFromLabels } from "@fairlead/model";
import { findHost, HOST_INDEXES } from "../hosts.ts";
import { labels, records, text, texts } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, selectedPods } from "../selection.ts";
import { formatSelector, type Labels, selects } from "../selector.ts";
import { derived, type World } from "../world.ts";

/** Labels that endpoints have from the node of their Pod. */
const OF_NODE: ReadonlySet<string> = new Set([
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
  "kubernetes.io/hostname",
]);

/** The host of a DestinationRule must exist, and each subset select a Pod. */
export const destinationRuleHost: Rule = {
  name: "destination-rule/host-and-subsets",
  codes: ["IST0174", "IST0173"],
  kinds: ["DestinationRule"],
  indexes: [...HOST_INDEXES, PODS_BY_LABEL],
  check({ ref, spec }, report, world) {
    const host = text(spec.host);
    const known = findHost(world, ref.namespace, texts(spec.exportTo), host);
    if (known === undefined) {
      report("IST0174", `the host ${JSON.stringify(host)} does not exist`, "spec.host");
      return;
    }
    for (const [index, subset] of records(spec.subsets).entries())
      if (!world.ask(selectsAnyEndpoint, { ...known.selector, ...labels(subset.labels) }))
        report("IST0173", `the subset ${text(subset.name)} selects no Pod`, `spec.subsets[${index}]`);
  },
};

const selectsAnyEndpoint = derived("any endpoint selected", formatSelector, (world, wanted) => {
  // A label of the node stands before one of the Pod: only the others can be looked up.
  const ofPod = Object.fromEntries(Object.entries(wanted).filter(([key]) => !OF_NODE.has(key)));
  const isPlain = Object.keys(ofPod).length === Object.keys(wanted).length;
  for (const pod of selectedPods(world, EVERYWHERE, ofPod))
    if (isPlain || selects(wanted, { ...pod.labels, ...nodeLabels(world, pod) })) return true;
  return false;
});

function nodeLabels(world: World, { spec }: Resource): Labels {
  const name = text(spec.nodeName);
  const node = world.find("Node", "", name);
  const at = node && localityFromLabels(node.labels);
  return {
    ...(at?.region && { "topology.kubernetes.io/region": at.region }),
    ...(at?.zone && { "topology.kubernetes.io/zone": at.zone }),
    ...(at?.subzone && { "topology.istio.io/subzone": at.subzone }),
    ...(name && { "kubernetes.io/hostname": name }),
  };
}
