import type { CommonTlsContext } from "../../proto/types.ts";

/** Certificates come from the program's own provider, which its bootstrap names `default`. Source: gRFC A29. */
export function programTls(identities: readonly string[]): CommonTlsContext {
  const provider = (certificateName: string) => ({ instanceName: "default", certificateName });
  return {
    tlsCertificateProviderInstance: provider("default"),
    tlsCertificateCertificateProviderInstance: provider("default"),
    combinedValidationContext: {
      defaultValidationContext: {
        ...(identities.length > 0 ? { matchSubjectAltNames: identities.map((exact) => ({ exact })) } : {}),
        caCertificateProviderInstance: provider("ROOTCA"),
      },
      validationContextCertificateProviderInstance: provider("ROOTCA"),
    },
  };
}
