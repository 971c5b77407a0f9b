import { Backoff, type BackoffOptions, realSleep, type Sleep } from "@fairlead/model";

/** `initial` and `max` are waits after failures. */
export interface RetryOptions extends BackoffOptions {
  /** Wait after a success, in milliseconds. Default 100. */
  readonly pause?: number;
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
  { pause = 100, sleep = realSleep, ...waits }: RetryOptions = {},
): Promise<void> {
  const backoff = new Backoff(waits);
  while (!signal.aborted) {
    try {
      await step();
      backoff.reset();
      if (signal.aborted) return;
      report(undefined);
      await sleep(pause, signal);
    } catch (failure) {
      if (signal.aborted) return;
      report(failure);
      await sleep(backoff.next(), signal);
    }
  }
}
