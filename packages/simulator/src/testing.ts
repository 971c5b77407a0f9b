import type { Answer, Outcome } from "./answer.ts";
import { type ExpectedRoute, type MatchResult, outcomeResult, routeResult } from "./expectation.ts";
import { shiftResult } from "./failover/expectation.ts";
import type { ExpectedShift, Timeline } from "./failover/timeline.ts";

export { type CoveredRule, type RouteCoverage, routeCoverage } from "./coverage.ts";
export type { ExpectedRoute, MatchResult } from "./expectation.ts";

/**
 * Matchers for `expect.extend` of vitest or jest: `expect(evaluate(…)).toRouteTo({ service: "reviews.default", subset: "v2", share: 1 })`.
 * A failure names the YAML line that decided. Nothing of a test runner is loaded.
 */
export const matchers = {
  toRouteTo: (answer: Answer, expected: ExpectedRoute): MatchResult => routeResult(answer, expected),
  toHaveOutcome: (answer: Answer, outcome: Outcome): MatchResult => outcomeResult(answer, outcome),
  toShiftTo: (timeline: Timeline, expected: ExpectedShift): MatchResult => shiftResult(timeline, expected),
};

/** The matchers as types: extend vitest's `Matchers<R>` or jest's with this to have them known to the compiler. */
export interface RouteMatchers<R = unknown> {
  toRouteTo(expected: ExpectedRoute): R;
  toHaveOutcome(outcome: Outcome): R;
  toShiftTo(expected: ExpectedShift): R;
}

/** For `node:test` and plain programs: throws an `Error` whose message names the line that decided. */
export function assertRoutesTo(answer: Answer, expected: ExpectedRoute): void {
  const { pass, message } = routeResult(answer, expected);
  if (!pass) throw new Error(message());
}

/** As {@link assertRoutesTo}, for the outcome. */
export function assertOutcome(answer: Answer, outcome: Outcome): void {
  const { pass, message } = outcomeResult(answer, outcome);
  if (!pass) throw new Error(message());
}

/** As {@link assertRoutesTo}, for `failover`: with zone b gone, zone a takes all within 10 s. A failure tells what happened instead. */
export function assertShiftsTo(timeline: Timeline, expected: ExpectedShift): void {
  const { pass, message } = shiftResult(timeline, expected);
  if (!pass) throw new Error(message());
}
