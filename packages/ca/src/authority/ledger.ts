import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Slot } from "./journal.ts";

/** One certificate that went out over a certificate service. */
export interface LedgerEntry {
  readonly serial: string;
  readonly notAfter: number;
  readonly authorityId: string;
  /** Sequence of the trust bundle that went with it. */
  readonly sequence: number;
  /** Serial of the certificate that it renews, where the caller showed one. */
  readonly replaces: string | undefined;
}

export interface LedgerOptions {
  /** The authority's longest lifetime, seconds: how long certificates may live that were issued before this ledger began. */
  readonly maxTtlSeconds: number;
  /** Whether there are such certificates. Default true: after a restart nobody knows. */
  readonly startsLate?: boolean;
  readonly clock?: Clock;
}

/**
 * Knows which live certificates went out with which roots: how far a new root has got among agents that learn roots when
 * they renew. Its two waits are what {@link rotateRoot} asks for.
 */
export interface IssuanceLedger {
  record(entry: LedgerEntry): void;
  /** Live certificates whose holders have not got this bundle. Infinite while there may be some that nobody knows of. */
  behind(bundle: TrustBundle): number;
  /** Live certificates of these authorities (by id), likewise. */
  signedBy(authorityIds: readonly string[]): number;
  distributed(bundle: TrustBundle, signal: AbortSignal): Promise<void>;
  renewed(oldRoots: readonly Slot[], signal: AbortSignal): Promise<void>;
}

/** How long a certificate counts after it was renewed: its holder may still be swapping. Milliseconds. */
const GRACE_MS = 60_000;
const LOOK_EVERY_MS = 1000;

export function issuanceLedger(options: LedgerOptions): IssuanceLedger {
  const { clock = systemClock, startsLate = true } = options;
  const unknownUntil = startsLate ? clock.now() + options.maxTtlSeconds * 1000 : 0;
  const live = new Map<string, { -readonly [K in keyof LedgerEntry]: LedgerEntry[K] }>();
  const count = (matches: (entry: LedgerEntry) => boolean): number => {
    const now = clock.now();
    let found = 0;
    for (const [serial, entry] of live)
      if (entry.notAfter <= now) live.delete(serial);
      else if (matches(entry)) found++;
    return now < unknownUntil ? Number.POSITIVE_INFINITY : found;
  };
  const wait = async (done: () => boolean, signal: AbortSignal): Promise<void> => {
    while (!done()) {
      if (signal.aborted) throw new CaError("CA_NOT_READY", "the wait was stopped; it can be continued");
      await new Promise<void>((resolve) => {
        clock.schedule(LOOK_EVERY_MS, resolve);
      });
    }
  };
  const behind = ({ sequence }: TrustBundle) => count((entry) => entry.sequence < sequence);
  const signedBy = (ids: readonly string[]) => count(({ authorityId }) => ids.includes(authorityId));
  return {
    record(entry) {
      live.set(entry.serial, { ...entry });
      const replaced = entry.replaces === undefined ? undefined : live.get(entry.replaces);
      if (replaced) replaced.notAfter = Math.min(replaced.notAfter, clock.now() + GRACE_MS);
    },
    behind,
    signedBy,
    distributed: (bundle, signal) => wait(() => behind(bundle) === 0, signal),
    renewed: (old, signal) => wait(() => signedBy(old.map(({ id }) => id)) === 0, signal),
  };
}
