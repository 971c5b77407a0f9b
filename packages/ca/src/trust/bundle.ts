import type { JsonWebKey } from "node:crypto";
import type { TrustDomain, Unsubscribe } from "@fairlead/model";

/** A key that JWT-SVIDs are verified with. */
export interface JwtAuthorityKey {
  /** The `kid` of tokens. */
  readonly keyId: string;
  readonly publicKey: JsonWebKey;
}

/** The roots of one trust domain. Bundles of different trust domains are never merged (SPIFFE Trust Domain and Bundle, section 3). */
export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  /** Root certificates, PEM, one each, no two equal. */
  readonly x509Authorities: readonly string[];
  /** Keys of JWT-SVIDs, no two of one id. Absent: none. */
  readonly jwtAuthorities?: readonly JwtAuthorityKey[];
  /** Goes up by one with every change. */
  readonly sequence: number;
  /** How often consumers should look again, seconds. */
  readonly refreshHintSeconds: number;
}

/** All roots as one PEM text, the form Envoy and OpenSSL read. */
export function bundlePem(bundle: TrustBundle): string {
  return bundle.x509Authorities.map((pem) => (pem.endsWith("\n") ? pem : `${pem}\n`)).join("");
}

/** A trust bundle that may change: a followed one, or {@link domainBundle}. */
export interface BundleSource {
  readonly bundle: TrustBundle | undefined;
  subscribe(listener: () => void): Unsubscribe;
}

/** The bundle of a trust domain of our own: the roots of its authority with the keys of its JWT-SVIDs. */
export function domainBundle(
  authority: { readonly trustBundle: TrustBundle; subscribe(listener: () => void): Unsubscribe },
  jwt?: {
    readonly jwtAuthorities: readonly JwtAuthorityKey[];
    readonly sequence: number;
    subscribe(listener: () => void): Unsubscribe;
  },
): BundleSource & { readonly trustBundle: TrustBundle } {
  const current = (): TrustBundle => {
    const { trustBundle } = authority;
    if (jwt === undefined) return trustBundle;
    return {
      ...trustBundle,
      jwtAuthorities: jwt.jwtAuthorities,
      sequence: trustBundle.sequence + jwt.sequence,
    };
  };
  return {
    get bundle() {
      return current();
    },
    get trustBundle() {
      return current();
    },
    subscribe(listener) {
      const unsubscribe = [authority.subscribe(listener), jwt?.subscribe(listener)];
      return () => {
        for (const stop of unsubscribe) stop?.();
      };
    },
  };
}
