import { exportScopes } from "../hosts.ts";
import { records, text, texts } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";

interface HostPort {
  readonly host: string;
  readonly port: string;
}

const keyOf = ({ host, port }: HostPort) => `${host}|${port}`;

/** ServiceEntries by `host|port`. */
const BY_HOST_AND_PORT: ResourceIndex = {
  name: "ports of service entries",
  kinds: ["ServiceEntry"],
  keys: (resource) => hostPortsOf(resource).map(keyOf),
};

/** ServiceEntries that are seen together must agree on the protocol of a host's port. */
export const serviceEntryProtocol: Rule = {
  name: "service-entry/protocol",
  codes: ["IST0177"],
  kinds: ["ServiceEntry"],
  indexes: [BY_HOST_AND_PORT],
  check(resource, report, world) {
    for (const place of hostPortsOf(resource)) {
      const candidates = world.under(BY_HOST_AND_PORT, keyOf(place));
      for (const scope of new Set(candidates.flatMap(scopesOf))) {
        // Who is seen in the scope: everybody's, and its own.
        const seen = candidates.filter((one) => scopesOf(one).some((own) => own === "*" || own === scope));
        const protocols = new Set(seen.flatMap((one) => protocolsOf(one, place.port)));
        if (protocols.size < 2 || !seen.includes(resource)) continue;
        const names = seen.map(({ fullName }) => fullName).join(", ");
        report(
          "IST0177",
          `port ${place.port} of ${place.host} has the protocols ${[...protocols].sort().join(", ")} in ${names}`,
          "metadata.name",
        );
        return;
      }
    }
  },
};

function scopesOf({ ref, spec }: Resource): readonly string[] {
  return exportScopes(texts(spec.exportTo), ref.namespace);
}

function hostPortsOf({ spec }: Resource): readonly HostPort[] {
  const ports = records(spec.ports).map(({ number }) => String(number));
  return texts(spec.hosts).flatMap((host) => ports.map((port) => ({ host, port })));
}

function protocolsOf({ spec }: Resource, port: string): readonly string[] {
  return records(spec.ports)
    .filter(({ number }) => String(number) === port)
    .map(({ protocol }) => text(protocol).toUpperCase());
}
