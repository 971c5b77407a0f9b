/** Time and timers, so that tests and replays own them. Milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
  /** Calls `run` once after `delayMs`; the returned function takes it back. Delays are at most 2^31-1. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** The process's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
