/** Time, for tests to replace. Milliseconds. */
export interface Clock {
  now(): number;
  /** Calls `callback` once, after `delay`; returns a function that prevents it. Does not keep the process alive. */
  after(delay: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
