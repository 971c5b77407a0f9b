import type { MatchResult } from "../expectation.ts";
import { milliseconds } from "./scenario.ts";
import type { ExpectedShift, Timeline } from "./timeline.ts";

/** Whether requests shift where they should in time; the message tells what happened. */
export function shiftResult(timeline: Timeline, expected: ExpectedShift): MatchResult {
  const { share, within, after = "0s", ...part } = expected;
  const start = milliseconds(after, "after");
  const reached = timeline.when(part, share, after);
  const pass = reached !== undefined && reached - start <= milliseconds(within, "within");
  const who = Object.entries(part)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
  const got = reached === undefined ? "never" : `after ${(reached - start) / 1000}s`;
  return {
    pass,
    message: () =>
      `expected ${who} ${pass ? "not " : ""}to take ${share * 100} % within ${within} after ${after}; it did ${got}\n${timeline.explain()}\n`,
  };
}
