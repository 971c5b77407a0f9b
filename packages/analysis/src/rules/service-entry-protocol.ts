import { exportScopes } from "../hosts.ts";
import type { Resource } from "../input.ts";
import { records, text, texts } from "../json.ts";
import type { Rule } from "../rule.ts";

interface Claim {
  readonly scope: string;
  readonly host: string;
  readonly port: number;
  readonly by: { readonly resource: Resource; readonly protocol: string }[];
}

/** ServiceEntries that are seen together must agree on the protocol of a host's port. */
export const serviceEntryProtocol: Rule = {
  name: "service-entry/protocol",
  codes: ["IST0177"],
  check(input, report) {
    const claims = new Map<string, Claim>();
    for (const resource of input.of("ServiceEntry"))
      for (const scope of exportScopes(texts(resource.spec.exportTo), resource.ref.namespace))
        for (const host of texts(resource.spec.hosts))
          for (const { number, protocol } of records(resource.spec.ports)) {
            const key = `${scope}|${host}|${String(number)}`;
            const claim = claims.get(key) ?? { scope, host, port: Number(number), by: [] };
            claim.by.push({ resource, protocol: text(protocol).toUpperCase() });
            claims.set(key, claim);
          }
    const reported = new Set<Resource>();
    for (const { scope, host, port, by } of claims.values()) {
      const all = scope === "*" ? by : [...by, ...(claims.get(`*|${host}|${port}`)?.by ?? [])];
      const protocols = [...new Set(all.map(({ protocol }) => protocol))].sort();
      if (protocols.length < 2) continue;
      const names = [...new Set(all.map(({ resource }) => resource.fullName))].sort().join(", ");
      for (const { resource } of all) {
        if (reported.has(resource)) continue;
        reported.add(resource);
        report(
          "IST0177",
          resource,
          `port ${port} of ${host} has the protocols ${protocols.join(", ")} in ${names}`,
          "metadata.name",
        );
      }
    }
  },
};
