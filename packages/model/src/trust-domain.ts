/** Thrown by the parsers of identities. Its `code` is stable. */
export class IdentityError extends Error {
  readonly code: "TRUST_DOMAIN_INVALID" | "SPIFFE_ID_INVALID";
  constructor(code: IdentityError["code"], message: string) {
    super(`[${code}] ${message}`);
    this.name = "IdentityError";
    this.code = code;
  }
}

declare const trustDomainBrand: unique symbol;
/** A SPIFFE trust domain name: `[a-z0-9._-]`, 1 to 255 characters (SPIFFE-ID, section 2.1). */
export type TrustDomain = string & { readonly [trustDomainBrand]: true };

/** Checks `text` by the strict grammar; nothing is normalised. Throws {@link IdentityError}. */
export function parseTrustDomain(text: string): TrustDomain {
  if (!/^[a-z0-9._-]{1,255}$/.test(text))
    throw new IdentityError(
      "TRUST_DOMAIN_INVALID",
      `trust domain ${JSON.stringify(text.slice(0, 80))} is not of the form [a-z0-9._-]{1,255}`,
    );
  return text as TrustDomain;
}
