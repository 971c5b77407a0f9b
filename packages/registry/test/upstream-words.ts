import type { Protocol, Resolution } from "@fairlead/model";

const RESOLUTIONS: Readonly<Record<Resolution, string>> = {
  ClientSideLB: "ClientSide",
  DNSLB: "DNS",
  DNSRoundRobinLB: "DNSRoundRobin",
  Passthrough: "Passthrough",
  Alias: "Alias",
  // Upstream has no word for it yet and prints its number.
  DynamicDNS: "5",
};

/** The words of the conformance data. */
export function upstreamResolution(resolution: Resolution): string {
  return RESOLUTIONS[resolution];
}

export function upstreamProtocol(protocol: Protocol): string {
  return protocol === "Unspecified" ? "UnsupportedProtocol" : protocol;
}
