import { createPublicKey, type KeyObject, sign } from "node:crypto";
import type { SpiffeId } from "@fairlead/model";
import { writeAlternativeNames } from "../certificate/alternative-name.ts";
import { EXTENSION, writeExtension } from "../certificate/extension.ts";
import { bitString, der, oid, sequence, set } from "../der/writer.ts";
import { CaError } from "../error.ts";
import { signatureAlgorithm } from "../keys/algorithm.ts";
import { encodePem } from "../pem.ts";

const VERSION_0 = Uint8Array.of(0x02, 0x01, 0x00);

/**
 * Makes a PEM certificate request (RFC 2986) for a private key of the caller's, P-256, P-384, RSA or Ed25519. With an
 * identity it asks for that name, as agents of Istio do; the authority decides from the authenticated caller anyway.
 */
export function createCsr(options: { readonly key: KeyObject; readonly identity?: SpiffeId }): string {
  const { key, identity } = options;
  if (key.type !== "private") throw new CaError("OPTION_INVALID", "a request is signed with a private key");
  const algorithm = signatureAlgorithm(key);
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const attributes =
    identity === undefined
      ? der(0xa0)
      : der(
          0xa0,
          sequence(
            oid("1.2.840.113549.1.9.14"),
            set(
              sequence(
                writeExtension(
                  EXTENSION.subjectAltName,
                  true,
                  writeAlternativeNames([{ type: "uri", value: identity.uri }]),
                ),
              ),
            ),
          ),
        );
  const info = sequence(VERSION_0, sequence(), spki, attributes);
  return encodePem(
    "CERTIFICATE REQUEST",
    sequence(info, algorithm.identifier, bitString(sign(algorithm.hash, info, key))),
  );
}
