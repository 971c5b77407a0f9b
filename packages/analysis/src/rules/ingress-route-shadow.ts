import { at, records, text, texts } from "../json.ts";
import type { Rule } from "../rule.ts";

/** Rules of one VirtualService by which a host is split do not hold for a gateway's VirtualService that names the host without subset. */
export const ingressRouteShadow: Rule = {
  name: "virtual-service/ingress-route",
  codes: ["IST0140"],
  check(input, report) {
    const split = input.of("VirtualService").flatMap((resource) =>
      records(resource.spec.http).flatMap(({ route }) =>
        records(route).flatMap(({ destination }) => {
          const host = text(at(destination, "host"));
          if (text(at(destination, "subset")) === "") return [];
          return texts(resource.spec.hosts)
            .filter((own) => own === host)
            .map(() => ({ host, resource }));
        }),
      ),
    );
    for (const resource of input.of("VirtualService")) {
      if (texts(resource.spec.gateways).length === 0) continue;
      for (const [index, rule] of records(resource.spec.http).entries())
        for (const [place, { destination }] of records(rule.route).entries()) {
          if (text(at(destination, "subset")) !== "") continue;
          for (const { host, resource: other } of split)
            if (host === text(at(destination, "host"))) {
              const path = `spec.http[${index}].route[${place}].destination.host`;
              report(
                "IST0140",
                resource,
                `the rules of ${other.fullName} for ${host} have no effect on this route: it names no subset`,
                path,
              );
            }
        }
    }
  },
};
