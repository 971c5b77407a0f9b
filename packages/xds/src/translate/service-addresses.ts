import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { isIPv6, UNSPECIFIED } from "./listener/address.ts";
import { addressFamilyOf, metadataFlag } from "./listener/node-settings.ts";

type Addressed = Pick<Service, "addresses" | "allocatedAddresses" | "registry">;

/**
 * The addresses that clients of the node use for a service, one list for each listener it needs: a Kubernetes Service has
 * one address (and others of the same meaning for other families), each address of a ServiceEntry is one of its own.
 * Allocated addresses count for proxies that answer DNS themselves. Source: Istio `Service.GetAllAddressesForProxy`.
 */
export function serviceAddresses(read: Reader, service: Addressed): readonly (readonly string[])[] {
  const { addresses, registry } = service;
  if (addresses.length === 0) {
    const allocated = allocatedFor(read, service);
    return [allocated.length > 0 ? allocated : [UNSPECIFIED]];
  }
  if (registry === "External") return addresses.map((address) => [address]);
  const usable = ofFamily(read, addresses);
  return [usable.length > 0 ? usable : addresses.slice(0, 1)];
}

/** The addresses by which a request may name a service. */
export function domainAddresses(read: Reader, service: Addressed): readonly string[] {
  const given = service.addresses.filter((address) => address !== UNSPECIFIED);
  if (given.length === 0) return service.addresses.length === 0 ? allocatedFor(read, service) : [];
  return service.registry === "Kubernetes" ? ofFamily(read, given) : given;
}

/** The addresses that a name resolves to; none for headless services. */
export function resolvedAddresses(read: Reader, service: Addressed): readonly string[] {
  return serviceAddresses(read, service)
    .flat()
    .filter((address) => address !== UNSPECIFIED && !address.includes("/"));
}

function allocatedFor(read: Reader, { allocatedAddresses = [] }: Addressed): readonly string[] {
  if (allocatedAddresses.length === 0 || !metadataFlag(read, "DNS_CAPTURE")) return [];
  return ofFamily(read, allocatedAddresses);
}

function ofFamily(read: Reader, addresses: readonly string[]): readonly string[] {
  const family = addressFamilyOf(read);
  return addresses.filter((address) => family === "Dual" || isIPv6(address) === (family === "IPv6"));
}
