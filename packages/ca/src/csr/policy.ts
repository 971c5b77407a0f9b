import { createHash } from "node:crypto";
import type { AlternativeName } from "../certificate/alternative-name.ts";
import { CLIENT_AUTH, KEY_USAGE, SERVER_AUTH } from "../certificate/extension.ts";
import { COMMON_NAME, ORGANIZATION } from "../certificate/name.ts";
import { CaError } from "../error.ts";
import { type ParsedCsr, parseCsr } from "./parse.ts";
import { type KeyFamily, mustBeKey, publicKeyPem } from "./public-key.ts";
import { mustSuit, verifySignature } from "./signature.ts";

/** Which requests are accepted. */
export interface CsrPolicy {
  /** Largest request, bytes of DER. Default 16384. */
  readonly maxBytes: number;
  /** Kinds of subject keys. Default P-256, P-384 and RSA: what Envoy loads. */
  readonly keys: readonly KeyFamily[];
  /** Smallest and largest RSA modulus, bits. Default 2048 and 4096; a large one makes verification expensive. */
  readonly minRsaBits: number;
  readonly maxRsaBits: number;
  /** SHA-256 (hex) of SubjectPublicKeyInfos that are known to be compromised. */
  readonly deniedKeys: ReadonlySet<string>;
  /**
   * What happens to names and extensions that a request asks for. `match` (the default): whatever is asked for must be
   * what is granted. `ignore`: only the key is taken, as Istio's authority does. In both, nothing but the granted names
   * ever gets into the certificate.
   */
  readonly requests: "match" | "ignore";
}

export const DEFAULT_CSR_POLICY: CsrPolicy = {
  maxBytes: 16_384,
  keys: ["ec-p256", "ec-p384", "rsa"],
  minRsaBits: 2048,
  maxRsaBits: 4096,
  deniedKeys: new Set(),
  requests: "match",
};

/** A request that holds: well formed, key accepted, possession proved. */
export interface CheckedCsr {
  readonly spki: Uint8Array;
  readonly parsed: ParsedCsr;
}

/** SHA-256 of a SubjectPublicKeyInfo, hex: how keys are named in deny lists and audit records. */
export function spkiFingerprint(spki: Uint8Array): string {
  return createHash("sha256").update(spki).digest("hex");
}

/**
 * The first stage: reads the request, checks its key, its proof of possession and the deny list.
 * Throws {@link CaError}. `authorityKeys` are SubjectPublicKeyInfos that no workload may present.
 */
export function checkCsr(pem: string, policy: CsrPolicy, authorityKeys: readonly Uint8Array[]): CheckedCsr {
  const parsed = parseCsr(pem, policy.maxBytes);
  const { family, bits, spki } = parsed.key;
  mustSuit(parsed.algorithm, parsed.key);
  if (!policy.keys.includes(family)) throw new CaError("CSR_UNSUPPORTED_KEY", `${family} keys are not accepted`);
  if (family === "rsa" && (bits < policy.minRsaBits || bits > policy.maxRsaBits))
    throw new CaError(
      "CSR_WEAK_KEY",
      `an RSA key of ${bits} bits; ${policy.minRsaBits} to ${policy.maxRsaBits} are accepted`,
    );
  const key = publicKeyPem(parsed.key);
  if (!verifySignature(parsed.algorithm, family, key, parsed.signed, parsed.signature)) {
    // Only now, as a key that verifies something is one.
    mustBeKey(key);
    throw new CaError("CSR_BAD_SIGNATURE", "the request is not signed by its own key");
  }
  for (const own of authorityKeys)
    if (own.length === spki.length && Buffer.from(own).equals(spki))
      throw new CaError("CSR_INVALID_KEY", "the public key is that of an authority");
  if (policy.deniedKeys.size > 0 && policy.deniedKeys.has(spkiFingerprint(spki)))
    throw new CaError("CSR_DENIED_KEY", "the public key is on the deny list");
  return { spki, parsed };
}

/** Checks that nothing is asked for that `granted` does not hold (policy `match`). Throws {@link CaError}. */
export function mustAskForNoMore(parsed: ParsedCsr, granted: readonly AlternativeName[]): void {
  const { subject, requested } = parsed;
  for (const { type, value } of requested.names)
    if (!granted.some((name) => name.type === type && name.value === value))
      throw new CaError(
        "CSR_SAN_MISMATCH",
        `the request asks for the ${type} name ${JSON.stringify(value.slice(0, 120))}`,
      );
  if (requested.names.length > granted.length) throw new CaError("CSR_SAN_MISMATCH", "the request repeats a name");
  if (requested.refused[0] !== undefined)
    throw new CaError("CSR_FORBIDDEN_EXTENSION", `the request holds ${requested.refused[0]}`);
  if (requested.ca) throw new CaError("CSR_FORBIDDEN_EXTENSION", "the request asks to become an authority");
  if ((requested.keyUsage & ~(KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment)) !== 0)
    throw new CaError("CSR_FORBIDDEN_EXTENSION", "the request asks for other key usages than a workload has");
  const strange = requested.extendedKeyUsage.find((usage) => usage !== SERVER_AUTH && usage !== CLIENT_AUTH);
  if (strange !== undefined)
    throw new CaError("CSR_FORBIDDEN_EXTENSION", `the request asks for the extended key usage ${strange}`);
  for (const { type, value } of subject) {
    const empty = type === ORGANIZATION && value === ""; // what Istio's agents send
    const own = type === COMMON_NAME && granted.some((name) => name.type === "uri" && name.value === value);
    if (!empty && !own)
      throw new CaError("CSR_FORBIDDEN_SUBJECT", "the request asks for a subject; certificates have none");
  }
}
