import type { Clock } from "./clock.ts";

/** Bounds how many new streams are worked on in a second: opening one is the dearest thing that a client can ask for. */
export interface StreamRate {
  /** Resolves with true when the stream's turn has come, with false at once where that would take too long. */
  admit(): Promise<boolean>;
}

/** Longest wait, in milliseconds: a client that comes back later may find another replica. */
const LONGEST = 1_000;

/**
 * At most `perSecond` new streams a second, as many at once after a second of quiet; what comes faster waits for its turn.
 * Undefined: without bounds.
 */
export function createStreamRate(perSecond: number | undefined, clock: Clock): StreamRate {
  if (perSecond === undefined) return { admit: () => Promise.resolve(true) };
  const interval = 1_000 / perSecond;
  /** When the streams that were let in would be due, one after the other. */
  let due = Number.NEGATIVE_INFINITY;
  return {
    admit() {
      const now = clock.now();
      const next = Math.max(due, now - 1_000) + interval;
      const wait = next - now;
      if (wait > LONGEST) return Promise.resolve(false);
      due = next;
      if (wait <= 0) return Promise.resolve(true);
      return new Promise((resolve) => void clock.after(wait, () => resolve(true)));
    },
  };
}
