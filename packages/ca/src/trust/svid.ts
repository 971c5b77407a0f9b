import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { CLIENT_AUTH, KEY_USAGE, SERVER_AUTH } from "../certificate/extension.ts";
import { type Certificate, readCertificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "./bundle.ts";
import { verifyPath } from "./path.ts";

export interface VerifySvidOptions {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The bundle of a trust domain, looked up by the leaf's own; undefined: not trusted. */
  readonly bundle: (trustDomain: string) => TrustBundle | undefined;
  /** `required` (default): a leaf without extended key usages is refused. X509-SVID, section 4.4 would let it pass: `optional`. */
  readonly extendedKeyUsage?: "required" | "optional";
  /** Whether a certificate of the path has been revoked. Default: none. */
  readonly isRevoked?: (certificate: Certificate) => boolean;
}

export interface VerifiedSvid {
  readonly id: SpiffeId;
  readonly notAfter: Date;
  readonly serial: string;
}

/**
 * Verifies an X.509-SVID (SPIFFE X509-SVID, sections 2 to 5): exactly one URI name, a SPIFFE ID with a path; a leaf that
 * is no authority, with digitalSignature and without keyCertSign and cRLSign; signing certificates of the same trust
 * domain; RFC 5280 path validation against the bundle of the ID's own trust domain. Throws SVID_INVALID.
 */
export function verifyX509Svid(chain: string | readonly Uint8Array[], options: VerifySvidOptions): VerifiedSvid {
  const certificates =
    typeof chain === "string"
      ? readCertificates(chain, "SVID_INVALID")
      : chain.map((der) => readCertificate(der, "SVID_INVALID"));
  const fail = (why: string): never => {
    throw new CaError("SVID_INVALID", why);
  };
  const [leaf, ...authorities] = certificates;
  if (leaf === undefined) return fail("there is no certificate");
  const id = uriIdentity(leaf);
  if (id.path === "") fail("the SPIFFE ID of a leaf has a path");
  if (leaf.basicConstraints?.ca === true) fail("the leaf is an authority");
  const usage = leaf.keyUsage ?? fail("the leaf has no keyUsage");
  if ((usage & (KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)) !== 0) fail("the leaf may sign certificates or CRLs");
  if ((usage & KEY_USAGE.digitalSignature) === 0) fail("the leaf may not sign (digitalSignature)");
  const extended = leaf.extendedKeyUsage;
  if (
    extended === undefined
      ? options.extendedKeyUsage !== "optional"
      : !extended.includes(SERVER_AUTH) || !extended.includes(CLIENT_AUTH)
  )
    fail("the leaf lacks the extended key usages serverAuth and clientAuth");
  for (const authority of authorities) {
    if (!authority.names.some(({ type }) => type === "uri")) continue;
    const own = uriIdentity(authority);
    if (own.path !== "" || own.trustDomain !== id.trustDomain)
      fail(`the authority ${own.uri} is not one of ${id.trustDomain}`);
  }
  const bundle = options.bundle(id.trustDomain) ?? fail(`the trust domain ${id.trustDomain} is not trusted`);
  const roots = bundle.x509Authorities.flatMap((pem) => readCertificates(pem, "BUNDLE_INVALID"));
  const path = verifyPath(certificates, roots, { at: options.at, code: "SVID_INVALID" });
  if (options.isRevoked !== undefined && path.some(options.isRevoked))
    fail("a certificate of the chain has been revoked");
  return { id, notAfter: new Date(leaf.notAfter), serial: leaf.serial };
}

function uriIdentity(certificate: Certificate): SpiffeId {
  const uris = certificate.names.filter(({ type }) => type === "uri");
  const [uri] = uris;
  if (uri === undefined || uris.length !== 1)
    throw new CaError("SVID_INVALID", `an SVID has exactly one URI name; there are ${uris.length}`);
  try {
    return parseSpiffeId(uri.value);
  } catch (cause) {
    throw new CaError("SVID_INVALID", (cause as Error).message, { cause });
  }
}
