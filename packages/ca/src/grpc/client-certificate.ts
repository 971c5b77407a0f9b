import { createHash } from "node:crypto";
import type { SpiffeId } from "@fairlead/model";
import type { Authority } from "../authority/authority.ts";
import { type Certificate, readCertificate, readCertificates } from "../certificate/parse.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Revocations } from "../trust/crl.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import type { Authenticator } from "./authenticator.ts";

export interface ClientCertificateOptions {
  /** Whose certificates are accepted. */
  readonly authority: Pick<Authority, "trustDomain" | "trustBundle" | "intermediates" | "isRevoked">;
  /** Default: the authority's. */
  readonly isRevoked?: Revocations;
  readonly clock?: Pick<Clock, "now">;
}

/** Most certificates whose verification is remembered. */
const CACHE = 10_000;

/**
 * Accepts a client certificate of the mesh: the caller is its SPIFFE ID. TLS has proved that the caller holds the key;
 * the chain, the profile and the time are checked anew at each call against the roots of now, because a connection, and
 * a resumed session even more, may be older than the last change of the bundle.
 */
export function clientCertificate(options: ClientCertificateOptions): Authenticator {
  const { authority, isRevoked = authority.isRevoked, clock = systemClock } = options;
  const verified = new Map<
    string,
    { readonly id: SpiffeId; readonly notAfter: number; readonly bundle: unknown; readonly leaf: Certificate }
  >();
  return {
    name: "client-certificate",
    authenticate({ certificate, peer }) {
      if (certificate === undefined) return undefined;
      const now = clock.now();
      const bundle = authority.trustBundle;
      const key = createHash("sha256").update(certificate).digest("base64");
      let found = verified.get(key);
      if (found === undefined || found.bundle !== bundle || now >= found.notAfter || isRevoked?.(found.leaf)) {
        verified.delete(key);
        const leaf = readCertificate(certificate, "SVID_INVALID");
        const between = authority.intermediates.flatMap((pem) => readCertificates(pem, "BUNDLE_INVALID"));
        const chain = [leaf, ...issuers(leaf, between)];
        const { id, notAfter } = verifyX509Svid(
          chain.map(({ der }) => der),
          {
            at: now,
            bundle: (trustDomain) => (trustDomain === authority.trustDomain ? bundle : undefined),
            ...(isRevoked === undefined ? {} : { isRevoked }),
          },
        );
        found = { id, notAfter: notAfter.getTime(), bundle, leaf };
        if (verified.size >= CACHE) verified.clear();
        verified.set(key, found);
      }
      return {
        authenticator: "client-certificate",
        identity: found.id,
        attributes: { peer, serial: found.leaf.serial },
      };
    },
  };
}

/** The signing certificates above a leaf, found by key identifier and name. */
function issuers(leaf: Certificate, known: readonly Certificate[]): Certificate[] {
  const path: Certificate[] = [];
  let below = leaf;
  while (path.length < known.length) {
    const { issuer, authorityKeyId } = below;
    const next = known.find(
      (candidate) =>
        Buffer.compare(candidate.subject, issuer) === 0 &&
        (authorityKeyId === undefined || candidate.subjectKeyId === authorityKeyId) &&
        !path.includes(candidate),
    );
    if (next === undefined) break;
    path.push(next);
    below = next;
  }
  return path;
}
