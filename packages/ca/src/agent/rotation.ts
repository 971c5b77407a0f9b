import type { Clock } from "../clock.ts";

/** When certificates are renewed. */
export interface RotationPolicy {
  /** The part of its life after which a certificate is renewed. Default 0.5. */
  readonly ratio: number;
  /** Part of its life by which that moment is moved at random, both ways, so that a fleet does not come at once. Default 0.1. */
  readonly jitter: number;
  /** First and longest wait after a failure. Default 1000 and 60000. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export const DEFAULT_ROTATION: RotationPolicy = { ratio: 0.5, jitter: 0.1, backoffMs: 1000, maxBackoffMs: 60_000 };

/** How long after `now` a certificate that ends at `notAfter` is renewed. `random` is in [0, 1). */
export function renewalDelay(now: number, notAfter: number, policy: RotationPolicy, random: () => number): number {
  const life = Math.max(0, notAfter - now);
  return Math.max(0, Math.min(life, life * (policy.ratio + (2 * random() - 1) * policy.jitter)));
}

/** The wait after the nth failure in a row (from 1): doubling, with the upper half at random, never less than the peer asked. */
export function backoffDelay(failures: number, policy: RotationPolicy, random: () => number, atLeast = 0): number {
  const full = Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(atLeast, full * (0.5 + 0.5 * random()));
}

/** Longest single timer. Short, so that a wall clock that jumps and a machine that slept are noticed soon. */
const SLICE_MS = 30_000;

/**
 * Calls `run` once `delayMs` have passed on the wall clock or have elapsed on timers, whichever comes first: a clock that
 * is set forward or back delays no renewal, and no delay is too long for a timer (those of Node end at 2^31-1 ms).
 * Returns a function that takes it back.
 */
export function scheduleRenewal(clock: Clock, delayMs: number, run: () => void): () => void {
  const due = clock.now() + delayMs;
  let left = delayMs;
  let cancel: () => void = () => undefined;
  const next = () => {
    if (left <= 0 || clock.now() >= due) return run();
    const slice = Math.min(SLICE_MS, left, Math.max(1, due - clock.now()));
    cancel = clock.schedule(slice, () => {
      left -= slice;
      next();
    });
  };
  if (delayMs <= 0) cancel = clock.schedule(0, run);
  else next();
  return () => cancel();
}
