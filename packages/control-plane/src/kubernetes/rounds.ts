import { realSleep } from "@fairlead/model";

export interface RoundsOptions {
  /** Ends the rounds. */
  readonly signal: AbortSignal;
  /** Milliseconds without a further change after which there is another round. */
  readonly debounce: number;
  /** Has `changed` called for what asks for another round; gives what ends that. */
  readonly listen: (changed: () => void) => readonly (() => void)[];
}

/** Does `round` at once, and again after changes, until `signal` aborts. */
export async function rounds(round: () => Promise<void>, { signal, debounce, listen }: RoundsOptions): Promise<void> {
  let wake = Promise.withResolvers<void>();
  const forget = listen(() => wake.resolve());
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    while (!signal.aborted) {
      await round();
      await Promise.race([wake.promise, stopped]);
      wake = Promise.withResolvers<void>();
      await realSleep(debounce, signal);
    }
  } finally {
    for (const end of forget) end();
  }
}
