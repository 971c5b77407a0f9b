import { expect, it } from "vitest";
import { settle } from "../../test/discovery-test-client.ts";
import { testClock } from "../../test/test-clock.ts";
import { createStreamRate } from "./stream-rate.ts";

it("lets a second's worth in at once, then each in its turn, and sends away who would wait for more than a second", async () => {
  const clock = testClock();
  clock.advance(10_000);
  const rate = createStreamRate(10, clock);
  const outcomes: string[] = [];
  for (let index = 0; index < 25; index++)
    void rate.admit().then((may) => outcomes.push(`${index} ${may ? "in" : "away"} ${clock.now() - 10_000}`));
  await settle();
  expect(outcomes).toEqual([
    ...Array.from({ length: 10 }, (_, index) => `${index} in 0`),
    ...[20, 21, 22, 23, 24].map((index) => `${index} away 0`),
  ]);
  outcomes.length = 0;
  for (let step = 0; step < 10; step++) {
    clock.advance(100);
    await settle();
  }
  expect(outcomes).toEqual(Array.from({ length: 10 }, (_, index) => `${index + 10} in ${100 * (index + 1)}`));
});

it("knows no bounds unless told", async () => {
  const rate = createStreamRate(undefined, testClock());
  expect(await Promise.all(Array.from({ length: 1000 }, () => rate.admit()))).not.toContain(false);
});
