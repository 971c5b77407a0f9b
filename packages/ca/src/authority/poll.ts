import type { Clock } from "../clock.ts";

export interface Poll {
  close(): void;
  /** What the last look failed with; undefined when it did not. */
  readonly failure: unknown;
}

/** Calls `look` every `seconds`, one at a time, for good. A look that fails changes nothing and is tried again. 0: never. */
export function startPoll(clock: Clock, seconds: number, look: () => Promise<void>): Poll {
  let cancel: (() => void) | undefined;
  let closed = false;
  let failure: unknown;
  const next = () => {
    if (closed || seconds <= 0) return;
    const run = () => {
      look().then(
        () => {
          failure = undefined;
          next();
        },
        (error: unknown) => {
          failure = error;
          next();
        },
      );
    };
    cancel = clock.schedule(Math.min(seconds * 1000, 2 ** 31 - 1), run, true);
  };
  next();
  return {
    close() {
      closed = true;
      cancel?.();
    },
    get failure() {
      return failure;
    },
  };
}
