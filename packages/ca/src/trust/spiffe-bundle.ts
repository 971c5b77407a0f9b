import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { TrustDomain } from "@fairlead/model";
import { mustBeAuthority } from "../authority/issuer.ts";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { readCertificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "./bundle.ts";
import { parseJson } from "./strict-json.ts";

/** Largest bundle document, characters. */
const MAX_BUNDLE = 4 * 1024 * 1024;

/**
 * Writes a bundle as SPIFFE's JSON (SPIFFE Trust Domain and Bundle, section 4): a JWK set with one `x509-svid` key for
 * each root, its certificate in `x5c`, and one `jwt-svid` key with its `kid` for each that signs JWT-SVIDs.
 */
export function marshalSpiffeBundle(bundle: TrustBundle): string {
  const keys = bundle.x509Authorities.flatMap((pem) =>
    readCertificates(pem, "BUNDLE_INVALID").map(({ der, spki }) => ({
      ...createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }).export({ format: "jwk" }),
      use: "x509-svid",
      x5c: [Buffer.from(der).toString("base64")],
    })),
  );
  const jwtKeys = (bundle.jwtAuthorities ?? []).map(({ keyId, publicKey }) => ({
    ...publicKey,
    use: "jwt-svid",
    kid: keyId,
  }));
  return JSON.stringify({
    keys: [...keys, ...jwtKeys],
    spiffe_sequence: bundle.sequence,
    spiffe_refresh_hint: bundle.refreshHintSeconds,
  });
}

/**
 * Reads SPIFFE's JSON. The trust domain is the one the document was asked of; the document does not say. `previous` is
 * the bundle held so far: a sequence that goes back is refused. Keys of unknown kind or use and those without
 * certificate are left out, as the standard asks. Throws BUNDLE_INVALID.
 */
export function parseSpiffeBundle(trustDomain: TrustDomain, text: string, previous?: TrustBundle): TrustBundle {
  const fail = (why: string): never => {
    throw new CaError("BUNDLE_INVALID", `bundle of ${trustDomain}: ${why}`);
  };
  if (text.length > MAX_BUNDLE) fail(`more than ${MAX_BUNDLE} characters`);
  const document = parseJson(text, fail);
  if (typeof document !== "object" || document === null || Array.isArray(document)) return fail("not an object");
  const { keys, spiffe_sequence: sequence = 0, spiffe_refresh_hint: hint = 300 } = document as Record<string, unknown>;
  if (!Array.isArray(keys)) return fail("no keys");
  if (typeof sequence !== "number" || !Number.isSafeInteger(sequence) || sequence < 0)
    return fail("spiffe_sequence is not a number");
  if (typeof hint !== "number" || !(hint >= 0)) return fail("spiffe_refresh_hint is not a number");
  if (previous !== undefined && sequence < previous.sequence)
    fail(`its sequence ${sequence} is before ${previous.sequence}`);
  const roots = new Set<string>();
  const jwtAuthorities = new Map<string, JsonWebKey>();
  for (const [index, entry] of (keys as unknown[]).entries()) {
    const { use, x5c } = (typeof entry === "object" && entry !== null ? entry : {}) as Record<string, unknown>;
    if (use === undefined) fail(`keys[${index}] has no use`);
    if (use === "jwt-svid") {
      const [keyId, publicKey] = jwtKey(entry as Record<string, unknown>, (why) => fail(`keys[${index}] ${why}`));
      if (publicKey === undefined) continue;
      if (jwtAuthorities.has(keyId)) fail(`keys[${index}] has the kid of another`);
      jwtAuthorities.set(keyId, publicKey);
      continue;
    }
    if (use !== "x509-svid" || !Array.isArray(x5c) || x5c.length === 0) continue;
    if (x5c.length > 1) fail(`keys[${index}] holds ${x5c.length} certificates; it must be one`);
    if (typeof x5c[0] !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(x5c[0])) fail(`keys[${index}].x5c is not base64`);
    const certificate = readCertificate(Buffer.from(String(x5c[0]), "base64"), "BUNDLE_INVALID");
    mustBeAuthority(certificate);
    const uri = certificate.names.find(({ type }) => type === "uri")?.value;
    if (uri !== undefined && uri !== `spiffe://${trustDomain}`) fail(`keys[${index}] is the certificate of ${uri}`);
    roots.add(certificatePem(certificate));
  }
  if (roots.size === 0 && jwtAuthorities.size === 0) fail("it holds no root");
  return {
    trustDomain,
    x509Authorities: [...roots],
    ...(jwtAuthorities.size > 0
      ? { jwtAuthorities: [...jwtAuthorities].map(([keyId, publicKey]) => ({ keyId, publicKey })) }
      : {}),
    sequence,
    refreshHintSeconds: hint,
  };
}

/** The public part of a `jwt-svid` key; none for a kind that is not known (section 4.2.1 asks to leave it out). */
function jwtKey(entry: Record<string, unknown>, fail: (why: string) => never): [string, JsonWebKey | undefined] {
  const { kid, kty } = entry;
  if (typeof kid !== "string" || kid === "") return fail("is a JWT key without kid");
  if (kty !== "EC" && kty !== "RSA") return [kid, undefined];
  try {
    // Through a key object: whatever else the entry holds, a private part too, stays behind.
    return [kid, createPublicKey({ key: entry as JsonWebKey, format: "jwk" }).export({ format: "jwk" })];
  } catch {
    return fail("is not a public key");
  }
}
