import { writeAlternativeNames } from "../certificate/alternative-name.ts";
import { EXTENSION, writeExtension } from "../certificate/extension.ts";
import { bitString, der, oid, sequence, set } from "../der/writer.ts";
import { signingAlgorithm } from "../keys/algorithm.ts";
import type { Signer } from "../keys/signer.ts";
import { encodePem } from "../pem.ts";

const VERSION_0 = Uint8Array.of(0x02, 0x01, 0x00);

/** The CertificationRequestInfo of a key (RFC 2986, section 4.1); with a URI it asks for that name. */
export function requestInfo(spki: Uint8Array, uri: string | undefined): Buffer {
  if (uri === undefined) return sequence(VERSION_0, sequence(), spki, der(0xa0));
  const names = writeAlternativeNames([{ type: "uri", value: uri }]);
  const requested = sequence(writeExtension(EXTENSION.subjectAltName, true, names));
  const extensionRequest = sequence(oid("1.2.840.113549.1.9.14"), set(requested));
  return sequence(VERSION_0, sequence(), spki, der(0xa0, extensionRequest));
}

/** A PEM certificate request for an authority's key, wherever that is, and the trust domain's name. */
export async function createAuthorityRequest(signer: Signer, trustDomain: string): Promise<string> {
  const info = requestInfo(signer.publicKey, `spiffe://${trustDomain}`);
  const { identifier } = signingAlgorithm(signer.keyType);
  return encodePem("CERTIFICATE REQUEST", sequence(info, identifier, bitString(await signer.sign(info))));
}
