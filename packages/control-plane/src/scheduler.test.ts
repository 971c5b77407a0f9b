import { describe, expect, it } from "vitest";
import { type Clock, Debounce } from "./scheduler.ts";

/** A clock in the test's hands. */
function heldClock() {
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
  const advance = (milliseconds: number) => {
    const end = now + milliseconds;
    for (;;) {
      const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = next.at;
      timers = timers.filter((timer) => timer !== next);
      next.call();
    }
    now = end;
  };
  return {
    clock,
    advance,
    spend: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe("Debounce", () => {
  it("waits for quiet, once for many changes", () => {
    const { clock, advance } = heldClock();
    const rounds: number[] = [];
    const debounce = new Debounce(() => rounds.push(clock.now()), clock, { quiet: 10, longest: 100 });
    for (let count = 0; count < 3; count++) {
      debounce.touch();
      advance(5);
    }
    expect(rounds).toEqual([]);
    advance(10);
    expect(rounds).toEqual([20]);
  });

  it("does not wait longer than `longest` while changes keep coming", () => {
    const { clock, advance } = heldClock();
    const rounds: number[] = [];
    const debounce = new Debounce(() => rounds.push(clock.now()), clock, { quiet: 10, longest: 25 });
    for (let count = 0; count < 10; count++) {
      debounce.touch();
      advance(5);
    }
    expect(rounds).toEqual([25, 50]);
  });

  it("waits longer after rounds that took long", () => {
    const { clock, advance, spend } = heldClock();
    const rounds: number[] = [];
    const debounce = new Debounce(
      () => {
        rounds.push(clock.now());
        spend(40);
      },
      clock,
      { quiet: 10, longest: 1000 },
    );
    debounce.touch();
    advance(10);
    const finished = clock.now();
    debounce.touch();
    advance(79);
    expect(rounds).toEqual([10]);
    advance(1);
    expect(rounds[1]).toBe(finished + 80);
  });

  it("drops what waits when closed, and does it at once when flushed", () => {
    const { clock, advance } = heldClock();
    let rounds = 0;
    const debounce = new Debounce(() => rounds++, clock);
    debounce.touch();
    debounce.flush();
    expect(rounds).toBe(1);
    debounce.touch();
    debounce.close();
    advance(1000);
    expect(rounds).toBe(1);
  });
});
