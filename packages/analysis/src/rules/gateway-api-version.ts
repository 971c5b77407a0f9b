import type { Rule } from "../rule.ts";

/** The oldest bundle of Gateway API definitions that Istio works with, by definition. */
const MINIMUM: Readonly<Record<string, string>> = {
  "grpcroutes.gateway.networking.k8s.io": "1.1.0",
  "backendtlspolicies.gateway.networking.k8s.io": "1.4.0",
  "tlsroutes.gateway.networking.k8s.io": "1.5.0",
  "tcproutes.gateway.networking.k8s.io": "1.6.0",
};

/** Definitions of the Gateway API that are too old are not watched. */
export const gatewayApiVersion: Rule = {
  name: "gateway-api/version",
  codes: ["IST0176"],
  kinds: ["CustomResourceDefinition"],
  check({ ref, annotations }, report) {
    const minimum = Object.hasOwn(MINIMUM, ref.name) ? MINIMUM[ref.name] : undefined;
    const installed = annotations["gateway.networking.k8s.io/bundle-version"];
    if (minimum !== undefined && installed !== undefined && isBelow(installed, minimum))
      report("IST0176", `is of version ${installed}; ${minimum} or newer is needed`);
  },
};

function isBelow(version: string, minimum: string): boolean {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const wanted = minimum.split(".").map(Number);
  if (parts === undefined) return false;
  const at = parts.findIndex((part, index) => part !== wanted[index]);
  return at >= 0 && (parts[at] ?? 0) < (wanted[at] ?? 0);
}
