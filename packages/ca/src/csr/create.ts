import { createPublicKey, type KeyObject, sign } from "node:crypto";
import type { SpiffeId } from "@fairlead/model";
import { bitString, sequence } from "../der/writer.ts";
import { CaError } from "../error.ts";
import { signatureAlgorithm } from "../keys/algorithm.ts";
import { encodePem } from "../pem.ts";
import { requestInfo } from "./authority-request.ts";

/**
 * Makes a PEM certificate request (RFC 2986) for a private key of the caller's, P-256, P-384, RSA or Ed25519. With an
 * identity it asks for that name, as agents of Istio do; the authority decides from the authenticated caller anyway.
 */
export function createCsr(options: { readonly key: KeyObject; readonly identity?: SpiffeId }): string {
  const { key, identity } = options;
  if (key.type !== "private") throw new CaError("OPTION_INVALID", "a request is signed with a private key");
  const algorithm = signatureAlgorithm(key);
  const info = requestInfo(createPublicKey(key).export({ type: "spki", format: "der" }), identity?.uri);
  return encodePem(
    "CERTIFICATE REQUEST",
    sequence(info, algorithm.identifier, bitString(sign(algorithm.hash, info, key))),
  );
}
