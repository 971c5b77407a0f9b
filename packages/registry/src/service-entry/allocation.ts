import type { ConfigObject } from "@fairlead/config";
import { isIpAddress } from "../ip-address.ts";

const OPT_OUT = "networking.istio.io/enable-autoallocate-ip";

/**
 * Whether an entry has addresses allocated for its hosts: it has none of its own, proxies can tell its services apart
 * by an address, and the user did not opt out. Source: Istio `serviceentry.ShouldV2AutoAllocateIP`.
 */
export function isAllocated({ spec, metadata }: ConfigObject<"ServiceEntry">): boolean {
  return (
    (spec.resolution ?? "NONE") !== "NONE" &&
    (spec.addresses ?? []).length === 0 &&
    metadata.labels[OPT_OUT]?.toLowerCase() !== "false"
  );
}

/** Whether a host of such an entry gets addresses: a wildcard only where the proxy resolves what it stands for. */
export function isAllocatedHost({ spec }: ConfigObject<"ServiceEntry">, host: string): boolean {
  return !host.startsWith("*") || spec.resolution === "DYNAMIC_DNS";
}

/** The addresses that `status.addresses` says are allocated, by host; what is no address counts for nothing. */
export function statusAddresses({ status }: ConfigObject<"ServiceEntry">): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const listed = (status as { readonly addresses?: unknown } | undefined)?.addresses;
  for (const one of Array.isArray(listed) ? listed : []) {
    const { host, value } = (one ?? {}) as { readonly host?: unknown; readonly value?: unknown };
    if (typeof host !== "string" || typeof value !== "string" || !isIpAddress(value)) continue;
    found.set(host, [...(found.get(host) ?? []), value]);
  }
  return found;
}

/** One address of each family, the last that is named, IPv4 first. Source: Istio `serviceentry.convertServices`. */
export function allocatedAddresses(entry: ConfigObject<"ServiceEntry">, host: string): readonly string[] {
  if (!isAllocated(entry)) return [];
  const addresses = statusAddresses(entry).get(host) ?? [];
  const six = addresses.findLast((address) => address.includes(":"));
  const four = addresses.findLast((address) => !address.includes(":"));
  return [four, six].filter((address) => address !== undefined);
}
