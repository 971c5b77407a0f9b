import { expect, it } from "vitest";
import { createBackoff } from "./backoff.ts";

it("doubles up to the limit, with jitter, and begins anew after a success", () => {
  const backoff = createBackoff(100, 500, () => 0);
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
    100, 200, 400, 500, 500,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  expect(createBackoff(100, 500, () => 1).next()).toBe(50);
});
