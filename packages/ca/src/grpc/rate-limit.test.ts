import { expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import type { CaError } from "../error.ts";
import { rateLimiter } from "./rate-limit.ts";

const attempt = (take: (caller: string) => void, caller: string): number | undefined => {
  try {
    take(caller);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "RATE_LIMITED", grpcStatus: 8 });
    return (error as CaError).retryAfterMs;
  }
};
const total = { perSecond: 1e9, burst: 1e9 };

test("row 48: 10,000 requests of one caller at once; the hint is when one is free again", () => {
  const clock = fakeClock();
  const take = rateLimiter({ perCaller: { perSecond: 5, burst: 20 }, total }, clock);
  const hints = Array.from({ length: 10_000 }, () => attempt(take, "a"));
  expect(hints.filter((hint) => hint === undefined)).toHaveLength(20);
  expect(hints.at(-1)).toBe(200);
  expect(attempt(take, "b")).toBeUndefined();
  clock.jump(199);
  expect(attempt(take, "a")).toBeGreaterThan(0);
  clock.jump(2);
  expect(attempt(take, "a")).toBeUndefined();
});

test("row 48: 10,000 callers at once", () => {
  const clock = fakeClock();
  const take = rateLimiter({ total: { perSecond: 100, burst: 500 } }, clock);
  const hints = Array.from({ length: 10_000 }, (_, at) => attempt(take, `caller-${at}`));
  expect(hints.filter((hint) => hint === undefined)).toHaveLength(500);
  clock.jump(1000);
  expect(
    Array.from({ length: 200 }, (_, at) => attempt(take, `again-${at}`)).filter((hint) => hint === undefined),
  ).toHaveLength(100);
});

test("a clock set back gives nothing and locks nobody out", () => {
  const clock = fakeClock();
  const take = rateLimiter({ perCaller: { perSecond: 1, burst: 1 }, total }, clock);
  expect(attempt(take, "a")).toBeUndefined();
  clock.jump(-3_600_000);
  expect(attempt(take, "a")).toBe(1000);
  clock.jump(1000);
  expect(attempt(take, "a")).toBeUndefined();
});
