import type { Clock } from "../src/scheduler.ts";

/** A clock in the test's hands. */
export interface HeldClock {
  readonly clock: Clock;
  /** Lets time pass, and what is due happen. */
  advance(milliseconds: number): void;
  /** Time that passes inside a call. */
  spend(milliseconds: number): void;
}

export function heldClock(): HeldClock {
  let now = 0;
  let timers: { at: number; call: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after(milliseconds, call) {
      const timer = { at: now + milliseconds, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  return {
    clock,
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        now = next.at;
        timers = timers.filter((timer) => timer !== next);
        next.call();
      }
      now = end;
    },
    spend(milliseconds) {
      now += milliseconds;
    },
  };
}
