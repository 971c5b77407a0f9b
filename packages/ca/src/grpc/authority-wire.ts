import type { Slot } from "../authority/journal.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "../trust/bundle.ts";

// Messages of `fairlead.ca.v1.Authority`, all of one shape:
//   string text = 1;   of requests the id of a root or the serial number of a certificate, hex; of answers PEM or the JSON of a state

/** Paths of the methods: what callers of the mesh may ask, and what only administrators may do. */
export const AUTHORITY_METHODS = {
  state: "/fairlead.ca.v1.Authority/State",
  revocationLists: "/fairlead.ca.v1.Authority/RevocationLists",
  prepare: "/fairlead.ca.v1.Authority/Prepare",
  activate: "/fairlead.ca.v1.Authority/Activate",
  taint: "/fairlead.ca.v1.Authority/Taint",
  retire: "/fairlead.ca.v1.Authority/Retire",
  revoke: "/fairlead.ca.v1.Authority/Revoke",
} as const;

export type AuthorityMethod = keyof typeof AUTHORITY_METHODS;

/** An authority as others see it. Times are milliseconds since the epoch. */
export interface AuthorityState {
  readonly trustDomain: string;
  readonly authorityId: string;
  /** End of the signing chain. */
  readonly notAfter: number;
  readonly trustBundle: Pick<TrustBundle, "x509Authorities" | "sequence">;
  /** PEM: signing certificates between leaves and roots. */
  readonly intermediates: readonly string[];
  /** Its roots, one by one; empty where it has none of its own. */
  readonly slots: readonly Omit<Slot, "keyId">[];
}

/** Throws REQUEST_FAILED. */
export function parseAuthorityState(text: string): AuthorityState {
  try {
    const state = JSON.parse(text) as AuthorityState;
    if (typeof state.trustDomain === "string" && Array.isArray(state.slots)) return state;
  } catch {
    // Said below.
  }
  throw new CaError("REQUEST_FAILED", "the authority answered with no state");
}
