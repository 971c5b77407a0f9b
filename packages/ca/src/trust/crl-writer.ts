import { writeExtension } from "../certificate/extension.ts";
import { authorityKeyIdExtension, signedCertificate } from "../certificate/leaf.ts";
import type { Certificate } from "../certificate/parse.ts";
import { der, sequence, time, unsignedInteger } from "../der/writer.ts";
import { signingAlgorithm } from "../keys/algorithm.ts";
import type { Signer } from "../keys/signer.ts";
import { encodePem } from "../pem.ts";

/** A certificate that is no longer to be trusted though it has not ended. */
export interface Revocation {
  /** Hex, as certificates of this package have them. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly revokedAt: number;
}

export interface RevocationListOptions {
  readonly issuer: Certificate;
  readonly signer: Signer;
  readonly revoked: readonly Revocation[];
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

const CRL_NUMBER = "2.5.29.20";
const VERSION_2 = Uint8Array.of(0x02, 0x01, 0x01);

/**
 * Signs a complete CRL (RFC 5280, section 5), PEM; its number is the time, so that later ones have higher ones. An empty
 * one says that nothing is revoked, which who asks for CRLs of every authority in a chain (Envoy) must be told.
 */
export async function signRevocationList(options: RevocationListOptions): Promise<string> {
  const { issuer, signer, revoked, thisUpdate, nextUpdate } = options;
  const { identifier } = signingAlgorithm(signer.keyType);
  const entries = revoked.map(({ serial, revokedAt }) =>
    sequence(unsignedInteger(Buffer.from(serial, "hex")), time(revokedAt)),
  );
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(Math.floor(thisUpdate)));
  const tbs = sequence(
    VERSION_2,
    identifier,
    issuer.subject,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    der(
      0xa0,
      sequence(
        ...(issuer.subjectKeyId === undefined ? [] : [authorityKeyIdExtension(issuer.subjectKeyId)]),
        writeExtension(CRL_NUMBER, false, unsignedInteger(number)),
      ),
    ),
  );
  return encodePem("X509 CRL", signedCertificate(tbs, identifier, await signer.sign(tbs)));
}
