/** Waits `milliseconds`; resolves early, without an error, when `signal` aborts. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const realSleep: Sleep = (milliseconds, signal) => {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(done, milliseconds);
  function done(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
    resolve();
  }
  signal.addEventListener("abort", done);
  return promise;
};

export interface BackoffOptions {
  /** First wait, in milliseconds. Default 500. */
  readonly initial?: number;
  /** Longest wait, in milliseconds. Default 30,000. */
  readonly max?: number;
  /** From 0 to 1, exclusive. Default `Math.random`. */
  readonly random?: () => number;
}

/** How long to wait after each failure in a row: doubling, each wait between half and the whole of that. */
export class Backoff {
  readonly #initial: number;
  readonly #max: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ initial = 500, max = 30_000, random = Math.random }: BackoffOptions = {}) {
    this.#initial = initial;
    this.#max = max;
    this.#random = random;
  }

  /** Counts a failure and gives the wait. */
  next(): number {
    const wait = Math.min(this.#max, this.#initial * 2 ** this.#failures);
    if (wait < this.#max) this.#failures++;
    return wait * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
