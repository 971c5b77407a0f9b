/** What a control plane takes from the outside world besides its sources, so that tests can hold it in their hands. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Calls once after `milliseconds`; gives what cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Resolves when the work is done, or when so many milliseconds have passed. The work goes on either way. */
export function atMost(milliseconds: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(milliseconds, resolve);
    void work.then(() => {
      cancel();
      resolve();
    });
  });
}

export interface DebounceOptions {
  /** Shortest time without changes before they are taken, in milliseconds. Default: 10. */
  readonly quiet?: number;
  /** Longest time a change waits while others keep coming, in milliseconds. Default: 1000. */
  readonly longest?: number;
}

/**
 * Gathers changes: the first waits `quiet` only, and while each round of work takes longer the quiet time grows with it
 * (to twice the last round), so that a storm of changes costs a few rounds and a single change is through at once.
 */
export class Debounce {
  readonly #work: () => void;
  readonly #clock: Clock;
  readonly #quiet: number;
  readonly #longest: number;
  #cancel: (() => void) | undefined;
  #first = 0;
  #cost = 0;
  #closed = false;

  constructor(work: () => void, clock: Clock, options: DebounceOptions = {}) {
    this.#work = work;
    this.#clock = clock;
    this.#quiet = options.quiet ?? 10;
    this.#longest = options.longest ?? 1000;
  }

  /** Something changed. */
  touch(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    if (this.#cancel) this.#cancel();
    else this.#first = now;
    const quiet = Math.max(this.#quiet, 2 * this.#cost);
    const left = Math.max(0, this.#first + this.#longest - now);
    this.#cancel = this.#clock.after(Math.min(quiet, left), () => this.flush());
  }

  /** Does the work now if anything is waiting. */
  flush(): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = undefined;
    const started = this.#clock.now();
    this.#work();
    this.#cost = this.#clock.now() - started;
  }

  /** What waits is dropped. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
