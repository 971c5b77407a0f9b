import { type KeyObject, verify } from "node:crypto";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { KEY_USAGE } from "../certificate/extension.ts";
import { authorityKeyIdExtension, type LeafIssuer } from "../certificate/leaf.ts";
import { type Certificate, publicKeyOf } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { signingAlgorithm } from "../keys/algorithm.ts";
import type { Signer } from "../keys/signer.ts";

/**
 * Everything one issuance needs of an authority, as one immutable value: no issuance sees the certificate of one and the
 * key or chain of another.
 */
export interface Issuer extends LeafIssuer {
  readonly signer: Signer;
  readonly certificate: Certificate;
  /** The certificate's key, to verify with. */
  readonly publicKey: KeyObject;
  /** Subject key identifier of the signing certificate, hex. */
  readonly authorityId: string;
  /** What follows the leaf, PEM: the signing certificate and those above it, without the root. */
  readonly chain: readonly string[];
  /** All roots of the trust domain, PEM. */
  readonly roots: readonly string[];
  /** Latest start and earliest end over the whole chain, root included. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Makes an issuer; `path` is the signing certificate and those above it up to the root, `roots` the whole bundle. */
export function createIssuer(signer: Signer, path: readonly Certificate[], roots: readonly Certificate[]): Issuer {
  const [certificate] = path;
  if (certificate === undefined) throw new CaError("BUNDLE_INVALID", "an authority has at least one certificate");
  if (!Buffer.from(certificate.spki).equals(signer.publicKey))
    throw new CaError(
      "KEY_MISMATCH",
      `the key ${signer.keyId} does not belong to the certificate ${certificate.subjectText}`,
    );
  mustBeAuthority(certificate);
  return {
    signer,
    certificate,
    publicKey: publicKeyOf(certificate),
    algorithm: signingAlgorithm(signer.keyType).identifier,
    name: certificate.subject,
    authorityKeyId: authorityKeyIdExtension(certificate.subjectKeyId),
    authorityId: certificate.subjectKeyId ?? certificate.serial,
    chain: path.slice(0, -1).map(certificatePem),
    roots: roots.map(certificatePem),
    notBefore: Math.max(...path.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...path.map(({ notAfter }) => notAfter)),
  };
}

/** Throws BUNDLE_INVALID unless the certificate may sign others (RFC 5280, section 4.2.1.9 and 4.2.1.3). */
export function mustBeAuthority(certificate: Certificate): void {
  if (certificate.basicConstraints?.ca !== true)
    throw new CaError("BUNDLE_INVALID", `${certificate.subjectText} is not the certificate of an authority`);
  if (certificate.keyUsage !== undefined && (certificate.keyUsage & KEY_USAGE.keyCertSign) === 0)
    throw new CaError("BUNDLE_INVALID", `${certificate.subjectText} may not sign certificates (keyUsage)`);
}

/** Signs and verifies once, before an issuer is used: a key that does not work must not become active. */
export async function selfTest(issuer: Issuer): Promise<void> {
  const { signer, publicKey } = issuer;
  const sample = Buffer.from(`self-test ${signer.keyId}`);
  const signature = await signer.sign(sample);
  if (!verify(signingAlgorithm(signer.keyType).hash, sample, publicKey, signature))
    throw new CaError("SIGNING_FAILED", `the key ${signer.keyId} makes signatures its certificate does not verify`);
}
