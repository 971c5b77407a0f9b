/** Delays between attempts: each twice the last, up to a limit, less a random part of up to half. */
export interface Backoff {
  /** Milliseconds until the next attempt. */
  next(): number;
  /** After a success. */
  reset(): void;
}

export function createBackoff(first: number, limit: number, random: () => number = Math.random): Backoff {
  let delay = first;
  return {
    next() {
      const now = delay;
      delay = Math.min(limit, delay * 2);
      return now * (1 - random() / 2);
    },
    reset() {
      delay = first;
    },
  };
}
