import type { Aspect, Problem } from "./condition.ts";
import type { GatewayApiWorld } from "./world.ts";
import { serviceIn } from "./world.ts";

/** Where a Gateway can be reached. */
export interface GatewayInstances {
  /** `host:port` of Services with instances. */
  readonly internal: readonly string[];
  readonly internalAddresses: readonly string[];
  readonly external: readonly string[];
  /** Host names whose load balancer has no address yet. */
  readonly pending: readonly string[];
  readonly warnings: readonly string[];
  readonly usable: boolean;
}

/** Looks for the instances of a Gateway's Services on its ports. Source: Istio's rules for `Programmed` and addresses. */
export function gatewayInstances(
  world: GatewayApiWorld,
  namespace: string,
  hostnames: readonly string[],
  ports: Iterable<number>,
): GatewayInstances {
  const internal = new Set<string>();
  const internalAddresses = new Set<string>();
  const external = new Set<string>();
  const pending = new Set<string>();
  const warnings: string[] = [];
  let usable = true;
  const unusable = (warning: string) => {
    warnings.push(warning);
    usable = false;
  };
  const wanted = [...new Set(ports)];
  for (const hostname of hostnames) {
    const service = serviceIn(world, hostname, namespace);
    if (!service) {
      const elsewhere = world.services(hostname).map((one) => `"${one.namespace}"`);
      const found = elsewhere.sort().join(", ");
      unusable(
        found === ""
          ? `hostname "${hostname}" not found`
          : `hostname "${hostname}" not found in namespace "${namespace}", but it was found in namespace(s) ${found}`,
      );
      continue;
    }
    for (const port of wanted) {
      if ((service.instances.get(port) ?? []).length > 0) {
        internal.add(`${hostname}:${port}`);
        for (const address of service.addresses) internalAddresses.add(address);
        for (const address of service.externalAddresses ?? []) external.add(address);
        if (service.externalAddresses?.length === 0 && !pending.has(hostname)) {
          warnings.push(`address pending for hostname "${hostname}"`);
          pending.add(hostname);
        }
        continue;
      }
      const all = [...service.instances].filter(([, targets]) => targets.length > 0);
      if (all.length === 0) {
        warnings.push(`no instances found for hostname "${hostname}"`);
        continue;
      }
      const hints = all.filter(([, targets]) => targets.includes(port)).map(([number]) => String(number));
      if (hints.length > 0) {
        unusable(
          `port ${port} not found for hostname "${hostname}" (hint: the service port should be specified, not the workload port. Did you mean one of these ports: [${hints.sort().join(" ")}]?)`,
        );
        continue;
      }
      // What is deployed for a Gateway gets its instances with a delay.
      const deployed = service.labels["gateway.istio.io/managed"] !== undefined;
      if (!deployed || !service.ports.some(({ number }) => number === port))
        unusable(`port ${port} not found for hostname "${hostname}"`);
    }
  }
  return {
    internal: [...internal].sort(),
    internalAddresses: [...internalAddresses].sort(),
    external: [...external].sort(),
    pending: [...pending].sort(),
    warnings: warnings.sort(),
    usable,
  };
}

/** The condition Programmed: whether proxies are there to serve it. */
export function programmed(hostnames: readonly string[], instances: GatewayInstances): Aspect {
  const { internal, warnings, usable } = instances;
  const services = join(internal);
  const message =
    internal.length > 0 ? `Resource programmed, assigned to service(s) ${services}` : "Resource programmed";
  let problem: Problem | undefined;
  if (hostnames.length === 0)
    problem = { reason: "UnsupportedAddress", message: "Failed to assign to any requested addresses" };
  else if (warnings.length > 0)
    problem = {
      reason: usable ? "AddressNotAssigned" : "AddressNotUsable",
      message:
        internal.length > 0
          ? `Assigned to service(s) ${services}, but failed to assign to all requested addresses: ${warnings.join("; ")}`
          : `Failed to assign to any requested addresses: ${warnings.join("; ")}`,
    };
  return { reason: "Programmed", message, problem };
}

/** Names in a sentence. */
export function join(names: readonly string[]): string {
  if (names.length <= 2) return names.join(" and ");
  return `${names.slice(0, -1).join(", ")}, and ${names.at(-1)}`;
}
