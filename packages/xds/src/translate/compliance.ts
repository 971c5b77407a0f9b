import type { CompliancePolicy } from "@fairlead/mesh";
import type { TlsParameters } from "../proto/types.ts";

const AES_GCM: readonly string[] = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

/**
 * TLS parameters within a compliance policy, whatever users and defaults say; as they are without one. Source: Istio
 * `COMPLIANCE_POLICY`.
 */
export function compliant<P extends TlsParameters | undefined>(
  policy: CompliancePolicy | undefined,
  params: P,
): P | TlsParameters {
  if (policy === undefined) return params;
  if (policy === "fips-140-3") return { ...params, compliancePolicies: ["FIPS_202205"] };
  if (policy === "pqc")
    return {
      ...params,
      tlsMinimumProtocolVersion: "TLSv1_3",
      tlsMaximumProtocolVersion: "TLSv1_3",
      cipherSuites: [...AES_GCM],
      ecdhCurves: ["X25519MLKEM768"],
    };
  // Without suites an Envoy built for FIPS takes none but these anyway; its only curve is P-256.
  const { ecdhCurves: _, cipherSuites, ...rest }: TlsParameters = params ?? {};
  const suites = cipherSuites?.filter((suite) => AES_GCM.includes(suite));
  return {
    ...rest,
    ...(suites ? { cipherSuites: suites } : {}),
    tlsMinimumProtocolVersion: "TLSv1_2",
    tlsMaximumProtocolVersion: "TLSv1_2",
  };
}
