import { expect, it } from "vitest";
import { Backoff, realSleep } from "./backoff.ts";

it("doubles up to the limit, with jitter, and begins anew after a success", () => {
  const backoff = new Backoff({ initial: 100, max: 500, random: () => 1 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
    100, 200, 400, 500, 500,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  expect(new Backoff({ initial: 100, random: () => 0 }).next()).toBe(50);
});

it("sleep ends when it is over or when it is told to, once and without an error", async () => {
  const abort = new AbortController();
  const long = realSleep(60_000, abort.signal);
  await realSleep(1, abort.signal);
  abort.abort();
  await long;
  await realSleep(60_000, abort.signal);
});
