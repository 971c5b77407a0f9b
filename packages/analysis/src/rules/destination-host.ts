import { findHost, HOST_INDEXES } from "../hosts.ts";
import { at, text, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { destinationsOf } from "./virtual-service-parts.ts";

/** Destinations must be hosts and ports that exist; of several ports one must be chosen. */
export const destinationHost: Rule = {
  name: "virtual-service/destination-host",
  codes: ["IST0101", "IST0112"],
  kinds: ["VirtualService"],
  indexes: HOST_INDEXES,
  check(resource, report, world) {
    for (const { destination, path, mirror } of destinationsOf(resource)) {
      const host = text(destination.host);
      const known = findHost(world, resource.ref.namespace, texts(resource.spec.exportTo), host);
      const what = mirror ? "mirror host" : "host";
      if (known === undefined) {
        report("IST0101", `the ${what} ${JSON.stringify(host)} does not exist`, path);
        continue;
      }
      const port = at(destination, "port", "number");
      if (destination.port === undefined) {
        if (known.ports.length > 1)
          report("IST0112", `${host} has the ports ${known.ports.join(", ")}: the destination must choose one`, path);
      } else if (!known.ports.includes(Number(port)))
        report("IST0101", `${host} has no port ${String(port)}, only ${known.ports.join(", ") || "none"}`, path);
    }
  },
};
