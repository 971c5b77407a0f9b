/** Time and timers, so that tests and replays own them. Milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
  /**
   * Calls `run` once after `delayMs` (at most 2^31-1); the returned function takes it back. A `background` timer does not
   * keep the process alive.
   */
  schedule(delayMs: number, run: () => void, background?: boolean): () => void;
}

/** The process's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, run, background = false) {
    const timer = setTimeout(run, delayMs);
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
};
