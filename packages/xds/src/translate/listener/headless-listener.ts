import { endpointsOf, type Query, type Reader } from "@fairlead/mesh";
import { type Service, serviceKey } from "@fairlead/model";
import { isIpAddress, listenerName } from "./address.ts";
import { type Contribution, headlessPlan, type OutboundListenerPlan, outboundListenerPlan } from "./outbound-plan.ts";

/**
 * Listeners of the services of a port that have no address of their own: one for each instance, as the address that a
 * client dials is all there is to tell instances and services apart. Instances of several services are those of the
 * oldest, ready or not: whoever dials one means it. The node's own instance is left out, since what a workload sends to
 * itself does not pass its proxy.
 */
export function headlessListeners(read: Reader, port: number): readonly OutboundListenerPlan[] {
  const plans = new Map<string, OutboundListenerPlan & { contributions: Contribution[] }>();
  for (const { egress, service, port: listenPort, bindToPort } of headlessPlan(read, port)) {
    const endpoints = endpointsOf(read, service).filter(({ ports }) => listenPort.name in ports);
    const { address: own } = read.project(ownAddress, service);
    const adds = listenPort.protocol === "Unspecified" ? "auto" : "tcp";
    for (const { addresses } of endpoints) {
      const [address] = addresses;
      if (!address || address === own || !addresses.every(isIpAddress)) continue;
      const name = listenerName(address, port);
      // A virtual address of another service: its listener is there already.
      if (outboundListenerPlan(read, name)) continue;
      const contribution: Contribution = { egress, service, port: listenPort, adds, binds: addresses };
      const present = plans.get(name);
      if (!present)
        plans.set(name, { name, binds: addresses, bindToPort, port: listenPort, contributions: [contribution] });
      else if (present.contributions.every((one) => one.service !== service)) present.contributions.push(contribution);
    }
  }
  return [...plans.values()];
}

/** The node's own address when the service has an instance there, else empty: all other nodes share the listeners. */
const ownAddress: Query<Service, { readonly address: string }> = {
  name: "own address among endpoints",
  key: serviceKey,
  compute(read, service) {
    const own = read.fact("first address", ({ ipAddresses: [address = ""] }) => address);
    return { address: endpointsOf(read, service).some(({ addresses: [address] }) => address === own) ? own : "" };
  },
  identify: ({ address }) => address,
};
