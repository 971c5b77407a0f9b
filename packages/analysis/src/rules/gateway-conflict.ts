import { at, type Json, labels, records, text, texts } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, selectedPods, selectsAnyPod } from "../selection.ts";
import { formatSelector, selects } from "../selector.ts";
import type { World } from "../world.ts";

/** Gateways by `port|host`. */
const BY_PORT_AND_HOST: ResourceIndex = {
  name: "hosts of gateways",
  kinds: ["Gateway"],
  *keys(gateway) {
    for (const [port, server] of serversByPort(gateway))
      for (const host of texts(server.hosts)) yield `${port}|${host}`;
  },
};

/** Two Gateways on the same Pods must not bind one host of one port twice. */
export const gatewayConflict: Rule = {
  name: "gateway/conflict",
  codes: ["IST0101", "IST0145"],
  kinds: ["Gateway"],
  indexes: [BY_PORT_AND_HOST, PODS_BY_LABEL],
  check(resource, report, world) {
    const selector = labels(resource.spec.selector);
    const written = formatSelector(selector);
    const servers = records(resource.spec.servers);
    if (servers.length === 0 && written !== "" && !meetsAServer(world, resource)) {
      // Pods that are not there are told by the ports' rule.
      if (selectsAnyPod(world, EVERYWHERE, selector))
        report("IST0101", `no Gateway with the selector ${written} has a server`, "spec.selector");
      return;
    }
    for (const [index, server] of servers.entries()) {
      const port = portOf(server);
      const others = new Set(
        texts(server.hosts)
          .flatMap((host) => world.under(BY_PORT_AND_HOST, `${port}|${host}`))
          .filter(
            (other) =>
              other !== resource &&
              text(serversByPort(other).get(port)?.bind) === text(server.bind) &&
              meet(world, resource, other),
          )
          .map(({ fullName }) => fullName),
      );
      if (others.size > 0)
        report(
          "IST0145",
          `port ${port} and hosts ${texts(server.hosts).join(", ")} are bound by ${[...others].sort().join(", ")} too, on the same Pods`,
          `spec.servers[${index}]`,
        );
    }
  },
};

function portOf(server: Json): string {
  return String(at(server, "port", "number"));
}

/** The last server of a port stands for the Gateway. */
function serversByPort({ spec }: Resource): ReadonlyMap<string, Json> {
  return new Map(records(spec.servers).map((server) => [portOf(server), server]));
}

function meetsAServer(world: World, resource: Resource): boolean {
  return world.all("Gateway").some((other) => records(other.spec.servers).length > 0 && meet(world, resource, other));
}

/** Whether two Gateways are on the same Pods: by selectors that are equal, or one in the other with a Pod for both. */
function meet(world: World, a: Resource, b: Resource): boolean {
  const [one, two] = [labels(a.spec.selector), labels(b.spec.selector)];
  const [first, second] = [formatSelector(one), formatSelector(two)];
  if (first === second) return true;
  if (!first.includes(second) && !second.includes(first)) return false;
  for (const pod of selectedPods(world, EVERYWHERE, one)) if (selects(two, pod.labels)) return true;
  return false;
}
