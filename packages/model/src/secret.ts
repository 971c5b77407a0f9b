import type { Unsubscribe } from "./collection.ts";

/** A certificate with its key, both PEM. The chain is leaf first, without the root. */
export interface KeyPairSecret {
  readonly kind: "key-pair";
  readonly certificateChain: string;
  readonly privateKey: string;
  /** When the leaf ends. */
  readonly expiresAt?: Date;
}

/** Roots to trust, PEM. */
export interface TrustBundleSecret {
  readonly kind: "trust-bundle";
  readonly roots: string;
  /**
   * CRLs, PEM. Who has any refuses certificates whose chain is not covered: there must be one of every authority that
   * peers' certificates may hang on.
   */
  readonly revocationLists?: string;
}

export type Secret = KeyPairSecret | TrustBundleSecret;

/**
 * Where an SDS server takes its secrets from: the port at which `ca` and `xds` meet.
 * The names `default` (a workload's own certificate) and `ROOTCA` are Istio's.
 */
export interface SecretSource {
  /** The present secret; undefined when there is none of that name. */
  get(name: string): Secret | undefined;
  /** Calls `listener` with the name of each secret that changed, appeared or went. */
  subscribe(listener: (name: string) => void): Unsubscribe;
}
