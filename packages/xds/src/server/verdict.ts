import type { EncodedResource } from "../encoded-resource.ts";
import { bisect } from "./bisection.ts";
import type { NackEvent } from "./event.ts";
import { rejectedResources } from "./nack.ts";
import type { Judge, Rejections } from "./rejections.ts";
import { disclaimed, type Outstanding, type TypeState, undone } from "./type-state.ts";
import { difference, EMPTY_VIEW, hasNoBytes, removalsBetween, restrict } from "./view.ts";

export interface RejectionContext {
  readonly judge: Judge;
  readonly rejections: Rejections;
  /** Responses of the type hold everything there is. */
  readonly full: boolean;
  /** Whether another client of the class has accepted a version. */
  isAccepted(resource: EncodedResource): boolean;
}

/**
 * Takes a rejection in: finds out whom it is about, has that version held back, and the rest of the response offered again. Begins a
 * bisection when nobody can be blamed.
 */
export function takeRejection(
  state: TypeState,
  { upserts, goal }: Outstanding,
  message: string,
  { judge, rejections, full, isAccepted }: RejectionContext,
): Pick<NackEvent, "resources" | "attribution"> {
  const accepted = state.acked ?? EMPTY_VIEW;
  // A response with the full state is rejected for anything in it that was not accepted before.
  const suspects = full ? difference(accepted, goal).upserts : upserts;
  const named = rejectedResources(message, suspects);
  const bisected = named.length === 0 ? state.bisection?.rejected(suspects) : undefined;
  const culprits = bisected ? [bisected] : named.length > 0 ? named : suspects.length === 1 ? suspects : [];
  if (named.length > 0) state.bisection = undefined;
  for (const culprit of culprits) {
    const old = accepted.entries.get(culprit.name);
    if (old?.version === culprit.version) continue;
    rejections.reject(judge, culprit, old && !hasNoBytes(old) ? old : undefined, isAccepted(culprit));
  }
  if (culprits.length === 0 && suspects.length > 0) state.bisection ??= bisect(suspects);
  // Whether the rest of the response was taken is not known: Envoy keeps it when it cannot apply one resource, and drops it
  // when it cannot read one. It is offered again, removals too.
  const doubtful = suspects.filter((suspect) => !culprits.includes(suspect));
  state.sent = restrict(undone(state, { goal, accepted, culprits, doubtful, full }), state.subscription);
  if (full) {
    // The full state says all of that by itself.
    const took = named.length > 0 && doubtful.length === 0 && removalsBetween(accepted, goal).length === 0;
    if (suspects.length > 0 && !took) state.owed = true;
  } else {
    // To accept a later response is not to accept what an earlier one brought.
    state.outstanding = state.outstanding.map((later) => ({ ...later, goal: disclaimed(later.goal, suspects) }));
  }
  const blamed = culprits.length > 0 ? culprits : suspects;
  state.lastNack = { message, resources: blamed.map(({ name }) => name) };
  return {
    resources: blamed.map(({ name, version, sources }) => ({ name, version, sources })),
    attribution: bisected ? "bisection" : named.length > 0 ? "named" : culprits.length > 0 ? "only" : "candidates",
  };
}
