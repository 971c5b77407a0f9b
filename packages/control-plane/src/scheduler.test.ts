import { describe, expect, it } from "vitest";
import { heldClock } from "../test/held-clock.ts";
import { Debounce } from "./scheduler.ts";

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
