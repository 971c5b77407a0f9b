import type { HttpSubject } from "../subject.ts";

/** One compiled condition on a request. */
export interface Condition {
  matches(subject: HttpSubject): boolean;
  /** What it asks for. */
  readonly words: string;
  /** What it found, for the trace: `header end-user is absent`. */
  found(subject: HttpSubject): string;
}

/** Why a condition does not hold. */
export function failure(condition: Condition, subject: HttpSubject): string {
  return `${condition.found(subject)}, wanted: ${condition.words}`;
}
