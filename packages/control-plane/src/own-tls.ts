import type { ServerTlsOptions } from "@fairlead/ca/grpc";
import type { CompliancePolicy } from "@fairlead/mesh";

type Limits = Omit<ServerTlsOptions, "clients">;

const SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"];
const SUITES = [
  ...SUITES_13,
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

const LIMITS: Readonly<Record<CompliancePolicy, Limits>> = {
  // Proxies within it speak TLS 1.2.
  "fips-140-2": { minTlsVersion: "TLSv1.2", cipherSuites: SUITES, groups: ["P-256"] },
  "fips-140-3": { cipherSuites: SUITES, groups: ["P-256", "P-384"] },
  pqc: { cipherSuites: SUITES_13, groups: ["X25519MLKEM768"] },
};

/**
 * What of TLS the control plane's own servers take part in within a compliance policy. Which library computes it is Node's
 * matter: for FIPS it must be started with a validated one. Source: Istio `COMPLIANCE_POLICY`.
 */
export function ownTls(policy: CompliancePolicy | undefined, minTlsVersion: Limits["minTlsVersion"]): Limits {
  return {
    ...(policy ? LIMITS[policy] : {}),
    // The key exchange of `pqc` is one of TLS 1.3.
    ...(minTlsVersion && policy !== "pqc" ? { minTlsVersion } : {}),
  };
}
