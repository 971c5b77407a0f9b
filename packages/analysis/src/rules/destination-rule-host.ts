import { localityFromLabels } from "@fairlead/model";
import { findHost } from "../hosts.ts";
import { labels, records, text, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { SelectorIndex } from "../selector-index.ts";

/** The host of a DestinationRule must exist, and each subset select a Pod. */
export const destinationRuleHost: Rule = {
  name: "destination-rule/host-and-subsets",
  codes: ["IST0174", "IST0173"],
  check(input, report) {
    const nodes = new Map(input.of("Node").map((node) => [node.ref.name, node.labels]));
    const placed = input.of("Pod").map((pod) => {
      const node = text(pod.spec.nodeName);
      const of = nodes.get(node);
      const at = of === undefined ? undefined : localityFromLabels(of);
      const known = {
        ...pod.labels,
        ...(at?.region && { "topology.kubernetes.io/region": at.region }),
        ...(at?.zone && { "topology.kubernetes.io/zone": at.zone }),
        ...(at?.subzone && { "topology.istio.io/subzone": at.subzone }),
        ...(node && { "kubernetes.io/hostname": node }),
      };
      return [pod, known] as const;
    });
    const pods = new SelectorIndex(placed);
    for (const resource of input.of("DestinationRule")) {
      const { spec, ref } = resource;
      const host = text(spec.host);
      const known = findHost(input, ref.namespace, texts(spec.exportTo), host);
      if (known === undefined) {
        report("IST0174", resource, `the host ${JSON.stringify(host)} does not exist`, "spec.host");
        continue;
      }
      for (const [index, subset] of records(spec.subsets).entries()) {
        const wanted = { ...known.selector, ...labels(subset.labels) };
        if (!pods.selectsAny(wanted))
          report("IST0173", resource, `the subset ${text(subset.name)} selects no Pod`, `spec.subsets[${index}]`);
      }
    }
  },
};
