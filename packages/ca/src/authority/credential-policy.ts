import { type Clock, systemClock } from "../clock.ts";
import type { KeyFamily } from "../csr/public-key.ts";
import { CaError } from "../error.ts";
import type { IssuancePolicy } from "./issue.ts";

/** What certificates of some identities may be. */
export interface CredentialRule {
  /** A SPIFFE ID, or one that ends in `/*`: everything below it, at any depth. */
  readonly identity: string;
  /** No certificate at all. */
  readonly deny?: boolean;
  /** Longest life, seconds: what is longer is shortened, whoever asked for it. */
  readonly maxTtlSeconds?: number;
  /** Kinds of keys; others are refused. */
  readonly keys?: readonly KeyFamily[];
  /** Smallest RSA modulus, bits. */
  readonly minRsaBits?: number;
  /** Host names and addresses besides the identity: any (default) or none. */
  readonly furtherNames?: "any" | "none";
}

/**
 * A policy from rules: the first whose identity matches decides; identities that none matches are refused with
 * `otherwise: "deny"`, and unbound by default. Throws OPTION_INVALID for a rule that can match nothing.
 */
export function credentialPolicy(
  rules: readonly CredentialRule[],
  options: { readonly otherwise?: "allow" | "deny"; readonly clock?: Pick<Clock, "now"> } = {},
): IssuancePolicy {
  const { otherwise = "allow", clock = systemClock } = options;
  const compiled = rules.map((rule) => ({ rule, matches: matcher(rule.identity) }));
  return ({ identity, names, key, notAfter }) => {
    const refuse = (why: string): never => {
      throw new CaError("POLICY_DENIED", `${identity.uri}: ${why}`);
    };
    const rule = compiled.find(({ matches }) => matches(identity.uri))?.rule;
    if (rule === undefined) return otherwise === "deny" ? refuse("no rule is for it") : undefined;
    if (rule.deny === true) refuse("it gets no certificates");
    if (rule.keys !== undefined && !rule.keys.includes(key.family)) refuse(`its key is not of ${rule.keys.join(", ")}`);
    if (key.family === "rsa" && key.bits < (rule.minRsaBits ?? 0))
      refuse(`its key has less than ${rule.minRsaBits} bits`);
    if (rule.furtherNames === "none" && names.length > 1) refuse("it gets no names besides its identity");
    if (rule.maxTtlSeconds === undefined) return undefined;
    return { notAfter: Math.min(notAfter, clock.now() + rule.maxTtlSeconds * 1000) };
  };
}

function matcher(pattern: string): (uri: string) => boolean {
  if (!/^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*(\/\*)?$/.test(pattern))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(pattern)} is neither a SPIFFE ID nor one that ends in /*`);
  if (!pattern.endsWith("/*")) return (uri) => uri === pattern;
  const prefix = pattern.slice(0, -1);
  return (uri) => uri.startsWith(prefix);
}
