import type { KeyObject } from "node:crypto";
import { createPublicKey } from "node:crypto";
import { type KeyPairSecret, parseTrustDomain, type SpiffeId } from "@fairlead/model";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { sameBytes } from "../trust/path.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import type { SigningResponse } from "./ca-client.ts";

/** Roots of several texts as one: each certificate once, in order of their fingerprints' bytes, so that equal sets are equal texts. */
export function mergeRoots(texts: readonly string[]): string {
  const found: Certificate[] = [];
  for (const text of texts)
    for (const certificate of readCertificates(text, "BUNDLE_INVALID"))
      if (!found.some((known) => sameBytes(known.der, certificate.der))) found.push(certificate);
  return found
    .map(certificatePem)
    .sort((a, b) => (a < b ? -1 : 1))
    .join("");
}

/**
 * Checks what an authority answered before it is used: a chain for our key, with our identity, that verifies against the
 * roots that came with it. Throws SVID_INVALID or BUNDLE_INVALID.
 */
export function acceptCertificate(
  response: SigningResponse,
  key: KeyObject,
  identity: SpiffeId,
  at: number,
): { readonly secret: KeyPairSecret & { readonly expiresAt: Date }; readonly roots: string } {
  const chain = response.certificateChain.join("");
  const roots = mergeRoots(response.roots);
  const trustDomain = parseTrustDomain(identity.trustDomain);
  const bundle = { trustDomain, x509Authorities: [roots], sequence: 0, refreshHintSeconds: 0 };
  const verified = verifyX509Svid(chain, { at, bundle: (domain) => (domain === trustDomain ? bundle : undefined) });
  if (verified.id.uri !== identity.uri)
    throw new CaError("SVID_INVALID", `the authority certified ${verified.id.uri}, not ${identity.uri}`);
  const [leaf] = readCertificates(chain, "SVID_INVALID");
  const own = createPublicKey(key).export({ type: "spki", format: "der" });
  if (leaf === undefined || !own.equals(leaf.spki))
    throw new CaError("SVID_INVALID", "the authority certified another key than the one that was sent");
  return {
    secret: {
      kind: "key-pair",
      certificateChain: chain,
      privateKey: String(key.export({ type: "pkcs8", format: "pem" })),
      expiresAt: verified.notAfter,
    },
    roots,
  };
}
