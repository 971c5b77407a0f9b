import type { Clock } from "./clock.ts";

export interface BudgetOptions {
  /** Bytes handed to the transport and not yet taken by it, over all streams. */
  readonly maxBytes: number;
  /** Responses in that state. */
  readonly maxPushes: number;
  /** After this time a response counts as stuck behind a slow client, and no longer against the others. Milliseconds. */
  readonly stalledAfter: number;
}

export interface Budget {
  /**
   * Room for a response: returns the function that gives it back (more than once does no harm). `undefined`: there is none now, and
   * `retry` will be called when there may be. A response larger than the whole budget goes alone.
   */
  take(bytes: number, retry: () => void): (() => void) | undefined;
  /** Takes back a `retry` that is no longer wanted. */
  forget(retry: () => void): void;
  readonly bytesInFlight: number;
  readonly stalledBytes: number;
  readonly waiting: number;
}

/** Bounds what is in flight. Waiting streams are served in the order in which they came. */
export function createBudget({ maxBytes, maxPushes, stalledAfter }: BudgetOptions, clock: Clock): Budget {
  const waiting = new Set<() => void>();
  let bytesInFlight = 0;
  let stalledBytes = 0;
  let pushes = 0;

  const wake = () => {
    // Each that finds no room comes back to the end of the line: one round, while there is room.
    for (const retry of [...waiting]) {
      if (bytesInFlight >= maxBytes || pushes >= maxPushes) return;
      waiting.delete(retry);
      retry();
    }
  };

  return {
    take(bytes, retry) {
      if (pushes > 0 && (bytesInFlight + bytes > maxBytes || pushes >= maxPushes)) {
        waiting.add(retry);
        return undefined;
      }
      waiting.delete(retry);
      bytesInFlight += bytes;
      pushes++;
      let state: "flying" | "stalled" | "done" = "flying";
      const cancel = clock.after(stalledAfter, () => {
        state = "stalled";
        bytesInFlight -= bytes;
        stalledBytes += bytes;
        pushes--;
        wake();
      });
      return () => {
        if (state === "done") return;
        if (state === "stalled") stalledBytes -= bytes;
        else {
          cancel();
          bytesInFlight -= bytes;
          pushes--;
        }
        state = "done";
        wake();
      };
    },
    forget: (retry) => void waiting.delete(retry),
    get bytesInFlight() {
      return bytesInFlight;
    },
    get stalledBytes() {
      return stalledBytes;
    },
    get waiting() {
      return waiting.size;
    },
  };
}
