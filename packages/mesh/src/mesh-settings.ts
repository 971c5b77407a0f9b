import type { MeshConfig, MeshNetworks } from "@fairlead/config";
import type { Reader } from "./derivation.ts";

/** The mesh configuration. Every mesh has one. */
export function meshConfigOf(read: Reader): MeshConfig {
  return read.bucket("meshConfig", "") ?? {};
}

export function meshNetworksOf(read: Reader): MeshNetworks {
  return read.bucket("meshNetworks", "") ?? {};
}

/** Restrictions on all TLS of proxies. */
export type CompliancePolicy = "fips-140-2" | "fips-140-3" | "pqc";

export function compliancePolicyOf(read: Reader): CompliancePolicy | undefined {
  return read.bucket("compliancePolicy", "");
}

/** The namespace whose policies hold for the whole mesh. Default: `istio-system`. */
export function rootNamespaceOf(read: Reader): string {
  return meshConfigOf(read).rootNamespace || "istio-system";
}

/** Default: `cluster.local`. */
export function trustDomainOf(read: Reader): string {
  return meshConfigOf(read).trustDomain || "cluster.local";
}

/** What short host names are completed with: the cluster's DNS domain. */
export const CLUSTER_DOMAIN = "cluster.local";
