import { parseTrustDomain, type TrustDomain, type Unsubscribe } from "@fairlead/model";
import { type Clock, systemClock } from "../clock.ts";
import { type CsrPolicy, DEFAULT_CSR_POLICY } from "../csr/policy.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Revocations } from "../trust/crl.ts";
import type { AuditSink } from "./audit.ts";
import {
  defaultRandom,
  type IssuanceOptions,
  type IssuancePolicy,
  type IssuedCertificate,
  type IssueRequest,
} from "./issue.ts";
import type { SubordinateRequest } from "./subordinate.ts";
import { DEFAULT_TTL_POLICY, type TtlPolicy } from "./ttl.ts";

/** Options that every authority takes. */
export interface AuthorityOptions {
  readonly ttl?: Partial<TtlPolicy>;
  readonly csr?: Partial<CsrPolicy>;
  readonly policies?: readonly IssuancePolicy[];
  readonly audit?: AuditSink;
  readonly verifyAfterSign?: boolean;
  /** Issuances that may wait at once, for a remote key or a slow policy. Default 1000; more are RATE_LIMITED. */
  readonly maxInFlight?: number;
  readonly clock?: Clock;
  /** Random bytes for serial numbers and ids. Default: node:crypto. */
  readonly random?: (size: number) => Uint8Array;
  /** Seconds between looks at what other processes changed. Default 60; 0 never looks. */
  readonly pollSeconds?: number;
}

/** A source of workload certificates of one trust domain. */
export interface Authority {
  readonly trustDomain: TrustDomain;
  /** Issues one certificate. Throws {@link CaError}, nothing else. */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  /** Makes the certificate of an authority below this one, where this one can. Throws {@link CaError}. */
  issueSubordinate?(request: SubordinateRequest): Promise<IssuedCertificate>;
  /** The present roots. */
  readonly trustBundle: TrustBundle;
  /** Signing certificates between leaves and roots, PEM, present and earlier: what verifying a certificate of this authority may need. */
  readonly intermediates: readonly string[];
  /** Subject key identifier of the signing certificate, hex. */
  readonly authorityId: string;
  /** End of the signing chain, milliseconds since the epoch: what expiry alerts look at. */
  readonly notAfter: number;
  /** Whether it has revoked a certificate of its own, or was told so by a CRL. Absent: it never does. */
  readonly isRevoked?: Revocations;
  /**
   * Takes the trust in a certificate away, by its serial number (hex); it may be a workload's or a subordinate authority's. Servers
   * of this authority refuse it from then on; others when they have the {@link revocationLists}, or when it ends.
   */
  revoke?(serial: string): Promise<void>;
  /** CRLs of its signing certificates, PEM, good for `seconds` (default 86400); empty where there are none. */
  revocationLists?(seconds?: number): Promise<string>;
  /** Calls `listener` after the roots, the signing certificate or what is revoked changed. */
  subscribe(listener: () => void): Unsubscribe;
  /** Stops looking for changes; later issuances fail with CA_CLOSED. Keys stay where they are. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of the pipeline with the defaults filled in. */
export function issuanceOptions(
  trustDomain: string,
  options: AuthorityOptions,
): IssuanceOptions & { readonly clock: Clock } {
  return {
    trustDomain,
    clock: options.clock ?? systemClock,
    random: options.random ?? defaultRandom,
    csr: { ...DEFAULT_CSR_POLICY, ...options.csr },
    ttl: { ...DEFAULT_TTL_POLICY, ...options.ttl },
    policies: options.policies ?? [],
    verifyAfterSign: options.verifyAfterSign,
    audit: options.audit,
    maxInFlight: options.maxInFlight ?? 1000,
  };
}

/** The trust domain of the options. Throws OPTION_INVALID. */
export function trustDomainOf({ trustDomain }: { readonly trustDomain: string }): TrustDomain {
  try {
    return parseTrustDomain(trustDomain);
  } catch (cause) {
    throw new CaError("OPTION_INVALID", (cause as Error).message, { cause });
  }
}
