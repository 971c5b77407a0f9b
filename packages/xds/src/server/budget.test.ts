import { describe, expect, it } from "vitest";
import { testClock } from "../../test/test-clock.ts";
import { createBudget } from "./budget.ts";

const limits = { maxBytes: 100, maxPushes: 3, stalledAfter: 1_000 };

describe("budget", () => {
  it("bounds bytes and number, and wakes who waits in order", () => {
    const budget = createBudget(limits, testClock());
    const woken: string[] = [];
    const first = budget.take(60, () => undefined);
    const second = budget.take(40, () => undefined);
    expect(budget.take(1, () => woken.push("a"))).toBeUndefined();
    expect(budget.take(1, () => woken.push("b"))).toBeUndefined();
    expect(budget).toMatchObject({ bytesInFlight: 100, waiting: 2 });
    first?.();
    first?.();
    expect(woken).toEqual(["a", "b"]);
    expect(budget).toMatchObject({ bytesInFlight: 40, waiting: 0 });
    second?.();
    expect(budget.bytesInFlight).toBe(0);
    const three = [1, 2, 3].map(() => budget.take(1, () => undefined));
    expect(budget.take(1, () => undefined)).toBeUndefined();
    for (const release of three) release?.();
  });

  it("lets a response through alone that is larger than all of it", () => {
    const budget = createBudget(limits, testClock());
    const release = budget.take(1_000, () => undefined);
    expect(release).toBeDefined();
    expect(budget.take(1, () => undefined)).toBeUndefined();
    release?.();
    expect(budget.take(1, () => undefined)).toBeDefined();
  });

  it("does not count what is stuck", () => {
    const clock = testClock();
    const budget = createBudget(limits, clock);
    const release = budget.take(100, () => undefined);
    let woken = 0;
    budget.take(100, () => woken++);
    clock.advance(1_000);
    expect(woken).toBe(1);
    expect(budget).toMatchObject({ bytesInFlight: 0, stalledBytes: 100 });
    release?.();
    expect(budget.stalledBytes).toBe(0);
  });

  it("forgets who no longer waits", () => {
    const budget = createBudget(limits, testClock());
    const release = budget.take(100, () => undefined);
    const retry = () => expect.unreachable();
    budget.take(1, retry);
    budget.forget(retry);
    release?.();
    expect(budget.waiting).toBe(0);
  });
});
