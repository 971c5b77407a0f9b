import { randomBytes } from "node:crypto";
import type { Clock } from "../../src/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time on, running what falls due in order; waits for promises in between. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock without running anything: what a clock jump is. */
  jump(ms: number): void;
  readonly pending: number;
  /** Delays of all timers ever set. */
  readonly delays: number[];
}

/** A clock that only moves when told to. Timers follow elapsed time, as real ones do, and not the wall clock. */
export function fakeClock(start = Date.UTC(2030, 0, 1)): FakeClock {
  let wall = start;
  let elapsed = 0;
  let timers: { due: number; run: () => void }[] = [];
  const delays: number[] = [];
  const settle = async () => {
    for (let round = 0; round < 2; round++) {
      // What was handed to the thread pool before this is done after it, however busy the machine is.
      await new Promise((resolve) => randomBytes(1, resolve));
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    now: () => wall,
    delays,
    get pending() {
      return timers.length;
    },
    schedule(delayMs, run) {
      if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new RangeError(`a timer of ${delayMs} ms`);
      delays.push(delayMs);
      const timer = { due: elapsed + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    jump(ms) {
      wall += ms;
    },
    async advance(ms) {
      await settle();
      const end = elapsed + ms;
      for (;;) {
        const next = timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
        if (next === undefined) break;
        wall += next.due - elapsed;
        elapsed = next.due;
        timers = timers.filter((other) => other !== next);
        next.run();
        await settle();
      }
      wall += end - elapsed;
      elapsed = end;
      await settle();
    },
  };
}
