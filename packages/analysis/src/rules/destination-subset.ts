import { fullHost } from "../hosts.ts";
import { records, text } from "../json.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { destinationsOf } from "./virtual-service-parts.ts";

/** DestinationRules by `host|subset`. */
const BY_SUBSET: ResourceIndex = {
  name: "subsets",
  kinds: ["DestinationRule"],
  keys: ({ spec, ref }) =>
    records(spec.subsets).map(({ name }) => `${fullHost(text(spec.host), ref.namespace)}|${text(name)}`),
};

/** A subset that a destination names must be in some DestinationRule of the host. */
export const destinationSubset: Rule = {
  name: "virtual-service/destination-subset",
  codes: ["IST0101"],
  kinds: ["VirtualService"],
  indexes: [BY_SUBSET],
  check(resource, report, world) {
    for (const { destination, path, mirror } of destinationsOf(resource)) {
      const subset = text(destination.subset);
      const host = text(destination.host);
      if (subset === "") continue;
      if (world.under(BY_SUBSET, `${fullHost(host, resource.ref.namespace)}|${subset}`).length > 0) continue;
      const what = mirror ? "mirror" : "destination";
      report("IST0101", `no DestinationRule of ${host} has the subset ${subset} that a ${what} names`, path);
    }
  },
};
