import { fullHost } from "../hosts.ts";
import { records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { destinationsOf } from "./virtual-service-parts.ts";

/** A subset that a destination names must be in some DestinationRule of the host. */
export const destinationSubset: Rule = {
  name: "virtual-service/destination-subset",
  codes: ["IST0101"],
  check(input, report) {
    const known = new Set(
      input
        .of("DestinationRule")
        .flatMap(({ spec, ref }) =>
          records(spec.subsets).map(({ name }) => `${fullHost(text(spec.host), ref.namespace)}|${text(name)}`),
        ),
    );
    for (const resource of input.of("VirtualService"))
      for (const { destination, path, mirror } of destinationsOf(resource)) {
        const subset = text(destination.subset);
        const host = text(destination.host);
        if (subset === "" || known.has(`${fullHost(host, resource.ref.namespace)}|${subset}`)) continue;
        const what = mirror ? "mirror" : "destination";
        report(
          "IST0101",
          resource,
          `no DestinationRule of ${host} has the subset ${subset} that a ${what} names`,
          path,
        );
      }
  },
};
