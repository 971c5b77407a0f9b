import { at, records, text, texts } from "../json.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";

/** VirtualServices by those of their own hosts that they split into subsets. */
const BY_SPLIT_HOST: ResourceIndex = {
  name: "split hosts",
  kinds: ["VirtualService"],
  keys: ({ spec }) =>
    records(spec.http)
      .flatMap(({ route }) => records(route))
      .filter(({ destination }) => text(at(destination, "subset")) !== "")
      .map(({ destination }) => text(at(destination, "host")))
      .filter((host) => texts(spec.hosts).includes(host)),
};

/** Rules of one VirtualService by which a host is split do not hold for a gateway's VirtualService that names the host without subset. */
export const ingressRouteShadow: Rule = {
  name: "virtual-service/ingress-route",
  codes: ["IST0140"],
  kinds: ["VirtualService"],
  indexes: [BY_SPLIT_HOST],
  check({ spec }, report, world) {
    if (texts(spec.gateways).length === 0) return;
    for (const [index, rule] of records(spec.http).entries())
      for (const [place, { destination }] of records(rule.route).entries()) {
        if (text(at(destination, "subset")) !== "") continue;
        const host = text(at(destination, "host"));
        for (const other of world.under(BY_SPLIT_HOST, host))
          report(
            "IST0140",
            `the rules of ${other.fullName} for ${host} have no effect on this route: it names no subset`,
            `spec.http[${index}].route[${place}].destination.host`,
          );
      }
  },
};
