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

export interface RetryOptions {
  /** First wait after a failure, in milliseconds. Default 500. */
  readonly initial?: number;
  /** Longest wait, in milliseconds. Default 30,000. */
  readonly max?: number;
  /** Wait after a success, in milliseconds. Default 100. */
  readonly pause?: number;
  /** From 0 to 1, exclusive. Default `Math.random`. */
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

/**
 * Runs `step` again and again until `signal` aborts: after `pause` when it succeeded, after an ever longer wait (doubling, each
 * between half and the whole of that) after failures in a row. `report` gets each failure, and undefined after a success.
 */
export async function repeat(
  step: () => Promise<void>,
  signal: AbortSignal,
  report: (failure: unknown) => void,
  { initial = 500, max = 30_000, pause = 100, random = Math.random, sleep = realSleep }: RetryOptions = {},
): Promise<void> {
  let wait = initial;
  while (!signal.aborted) {
    try {
      await step();
      wait = initial;
      if (signal.aborted) return;
      report(undefined);
      await sleep(pause, signal);
    } catch (failure) {
      if (signal.aborted) return;
      report(failure);
      await sleep(wait * (0.5 + random() / 2), signal);
      wait = Math.min(max, wait * 2);
    }
  }
}
