import type { RequestSet, RequestSets } from "./request-set.ts";

/** A rule as sets of requests, one for each of its matches; undecided matches are left out. */
export interface RuleSets {
  readonly matches: readonly RequestSet[];
  /** Whether every match was decided. */
  readonly complete: boolean;
}

export interface Dead<R> {
  /** The rules that take its requests; the fewest that could be found. Empty: it can match no request at all. */
  readonly by: readonly R[];
}

/** More parts than this are left undecided. */
const MOST_PARTS = 256;

/** What is left of `from` after all that is taken; undefined when it falls into too many parts. */
function remainder(
  sets: RequestSets,
  from: readonly RequestSet[],
  taken: readonly RequestSet[],
): readonly RequestSet[] | undefined {
  let left = from;
  for (const one of taken) {
    left = left.flatMap((part) => sets.without(part, one));
    if (left.length > MOST_PARTS) return undefined;
    if (left.length === 0) return left;
  }
  return left;
}

/** Whether a match (of any rule) never gets a request because the earlier rules, alone or together, take all of them. */
export function findDead<R extends RuleSets>(
  sets: RequestSets,
  match: RequestSet,
  earlier: readonly R[],
): Dead<R> | undefined {
  if (sets.emptyIn(match) !== undefined) return { by: [] };
  for (const rule of earlier) if (remainder(sets, [match], rule.matches)?.length === 0) return { by: [rule] };
  const by: R[] = [];
  let left: readonly RequestSet[] = [match];
  for (const rule of earlier) {
    const next = remainder(sets, left, rule.matches);
    if (next === undefined) return undefined;
    if (next.length !== left.length || next.some((part, index) => part !== left[index])) by.push(rule);
    if (next.length === 0) return { by };
    left = next;
  }
  return undefined;
}

/** Whether all requests of one rule are requests of the other; false where that is undecided. */
function isWithin(sets: RequestSets, inner: RuleSets, outer: RuleSets): boolean {
  return inner.complete && remainder(sets, inner.matches, outer.matches)?.length === 0;
}

/**
 * Requests that both rules match, where neither is only a special case of the other, and which none of the rules `before` the
 * earlier one takes: the order alone decides about them. Undefined when there are none.
 */
export function findContested(
  sets: RequestSets,
  rule: RuleSets,
  earlier: RuleSets,
  before: readonly RuleSets[],
): RequestSet | undefined {
  const shared = rule.matches.flatMap((match) =>
    earlier.matches.flatMap((other) => sets.intersection(match, other) ?? []),
  );
  if (shared.length === 0 || isWithin(sets, earlier, rule) || isWithin(sets, rule, earlier)) return undefined;
  const left = remainder(
    sets,
    shared,
    before.flatMap(({ matches }) => matches),
  );
  return before.every(({ complete }) => complete) ? left?.[0] : undefined;
}
