import { hostsOverlap } from "@fairlead/model";
import { exportScopes, fullHost } from "../hosts.ts";
import type { Resource } from "../input.ts";
import { texts } from "../json.ts";
import type { Rule } from "../rule.ts";

/** Of several VirtualServices for one host in the mesh, only the oldest counts. */
export const meshHostConflict: Rule = {
  name: "virtual-service/mesh-host-conflict",
  codes: ["IST0109"],
  check(input, report) {
    const claims = new Map<string, { readonly scope: string; readonly host: string; readonly by: Resource[] }>();
    for (const resource of input.of("VirtualService")) {
      const { spec, ref } = resource;
      const gateways = texts(spec.gateways);
      if (gateways.length > 0 && !gateways.includes("mesh")) continue;
      for (const scope of exportScopes(texts(spec.exportTo), ref.namespace))
        for (const written of texts(spec.hosts)) {
          const host = fullHost(written, ref.namespace);
          const claim = claims.get(`${scope}/${host}`) ?? { scope, host, by: [] };
          claim.by.push(resource);
          claims.set(`${scope}/${host}`, claim);
        }
    }
    const reported = new Set<Resource>();
    // By name, so that an object in several conflicts is told the same one whatever the order of the input.
    const sorted = [...claims].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim);
    for (const { scope, host, by } of sorted) {
      const everywhere =
        scope === "*"
          ? []
          : [...claims.values()]
              .filter((other) => other.scope === "*" && hostsOverlap(host, other.host))
              .flatMap((other) => other.by);
      const all = [...by, ...everywhere];
      if (all.length < 2) continue;
      const names = all
        .map(({ fullName }) => fullName)
        .sort()
        .join(", ");
      for (const resource of all) {
        if (reported.has(resource)) continue;
        reported.add(resource);
        report(
          "IST0109",
          resource,
          `several VirtualServices (${names}) are for the host ${host} in the mesh; only the oldest counts`,
          "metadata.name",
        );
      }
    }
  },
};
