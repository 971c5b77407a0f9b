export type { DnsLookup, DnsResolver } from "./lookup.ts";
export { type DnsRegistryOptions, type DnsService, dnsRegistry } from "./registry.ts";
