import { createHash } from "node:crypto";
import type { AlternativeName } from "./alternative-name.ts";
import { KEY_USAGE } from "./extension.ts";
import { publicKeyOf, readCertificates } from "./parse.ts";

/** A certificate in words and numbers, for people and JSON. */
export interface CertificateDetails {
  readonly subject: string;
  readonly issuer: string;
  /** Hex. */
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** The URI name where it is a SPIFFE ID. */
  readonly spiffeId?: string;
  readonly names: readonly AlternativeName[];
  readonly isAuthority: boolean;
  readonly keyUsage: readonly string[];
  readonly extendedKeyUsage: readonly string[];
  /** `ec prime256v1`, `rsa 2048`, `ed25519`. */
  readonly publicKey: string;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  readonly subjectKeyId?: string;
  readonly authorityKeyId?: string;
}

/** Describes every certificate of a PEM text, in order. Throws CERTIFICATE_MALFORMED. */
export function inspectCertificate(pem: string): CertificateDetails[] {
  return readCertificates(pem).map((certificate) => {
    const { asymmetricKeyType, asymmetricKeyDetails } = publicKeyOf(certificate);
    const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? "";
    const spiffe = certificate.names.find(({ type, value }) => type === "uri" && value.startsWith("spiffe://"));
    return {
      subject: certificate.subjectText,
      issuer: certificate.issuerText,
      serial: certificate.serial,
      notBefore: new Date(certificate.notBefore).toISOString(),
      notAfter: new Date(certificate.notAfter).toISOString(),
      ...(spiffe ? { spiffeId: spiffe.value } : {}),
      names: certificate.names,
      isAuthority: certificate.basicConstraints?.ca === true,
      keyUsage: Object.entries(KEY_USAGE)
        .filter(([, bit]) => ((certificate.keyUsage ?? 0) & bit) !== 0)
        .map(([name]) => name),
      extendedKeyUsage: certificate.extendedKeyUsage ?? [],
      publicKey: `${asymmetricKeyType} ${size}`.trim(),
      fingerprint: createHash("sha256").update(certificate.der).digest("hex"),
      ...(certificate.subjectKeyId === undefined ? {} : { subjectKeyId: certificate.subjectKeyId }),
      ...(certificate.authorityKeyId === undefined ? {} : { authorityKeyId: certificate.authorityKeyId }),
    };
  });
}
