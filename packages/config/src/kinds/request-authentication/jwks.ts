type Json = Readonly<Record<string, unknown>>;

/** The keys of a JWKS, or the one of a bare JWK; undefined when it is no such thing. */
function readKeys(text: string): readonly Json[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const keys = (value as Json).keys ?? [value];
    return Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null)
      ? (keys as readonly Json[])
      : undefined;
  } catch {
    return undefined;
  }
}

/** Members that each key type needs (RFC 7518, section 6; RFC 8037). */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  RSA: ["n", "e"],
  EC: ["crv", "x", "y"],
  OKP: ["crv", "x"],
  oct: ["k"],
};

/** What is wrong with a JSON Web Key Set; undefined when it can be used. */
export function jwksFault(text: string): string | undefined {
  const keys = readKeys(text);
  if (keys === undefined) return "is not a JSON Web Key Set";
  for (const [index, key] of keys.entries()) {
    const needed = typeof key.kty === "string" && Object.hasOwn(REQUIRED, key.kty) ? REQUIRED[key.kty] : undefined;
    if (needed === undefined) return `key ${index} has no known key type`;
    const missing = needed.find((member) => typeof key[member] !== "string");
    if (missing) return `key ${index} has no ${missing}`;
  }
  return undefined;
}

/** The indexes of keys that hold more than their public part. */
export function privateKeys(text: string): readonly number[] {
  const keys = readKeys(text) ?? [];
  return keys.flatMap((key, index) => (key.kty === "oct" || key.d !== undefined ? [index] : []));
}
