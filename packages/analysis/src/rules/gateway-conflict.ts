import { at, labels, records, text, texts } from "../json.ts";
import type { Rule } from "../rule.ts";
import { formatSelector, selects } from "../selector.ts";

/** Two Gateways on the same Pods must not bind one host of one port twice. */
export const gatewayConflict: Rule = {
  name: "gateway/conflict",
  codes: ["IST0101", "IST0145"],
  check(input, report) {
    const gateways = input.of("Gateway");
    const servers = gateways.flatMap((resource) => {
      const selector = labels(resource.spec.selector);
      // The last server of a port stands for the Gateway.
      const byPort = new Map(
        records(resource.spec.servers).map((server) => [String(at(server, "port", "number")), server]),
      );
      return [...byPort].map(([port, server]) => ({
        resource,
        selector,
        written: formatSelector(selector),
        port,
        server,
      }));
    });
    for (const resource of gateways) {
      const selector = labels(resource.spec.selector);
      const written = formatSelector(selector);
      const meets = (other: { readonly selector: Readonly<Record<string, string>>; readonly written: string }) =>
        other.written === written ||
        ((other.written.includes(written) || written.includes(other.written)) &&
          input.of("Pod").some((pod) => selects(selector, pod.labels) && selects(other.selector, pod.labels)));
      if (written !== "" && !servers.some(meets)) {
        // Pods that are not there are told by the ports' rule.
        if (input.of("Pod").some((pod) => selects(selector, pod.labels)))
          report("IST0101", resource, `no Gateway with the selector ${written} has a server`, "spec.selector");
        continue;
      }
      for (const [index, server] of records(resource.spec.servers).entries()) {
        const port = String(at(server, "port", "number"));
        const others = servers
          .filter((other) => other.resource !== resource && other.port === port && meets(other))
          .filter(
            (other) =>
              text(other.server.bind) === text(server.bind) &&
              texts(other.server.hosts).some((host) => texts(server.hosts).includes(host)),
          )
          .map((other) => other.resource.fullName)
          .sort();
        if (others.length > 0)
          report(
            "IST0145",
            resource,
            `port ${port} and hosts ${texts(server.hosts).join(", ")} are bound by ${others.join(", ")} too, on the same Pods`,
            `spec.servers[${index}]`,
          );
      }
    }
  },
};
