import { CLUSTER_TYPE, ENDPOINT_TYPE, type ResourceType } from "../resource-type.ts";
import { withoutUsersOf } from "./cluster-references.ts";
import { endpointName } from "./endpoint-names.ts";
import type { Hold, Judge, Rejections } from "./rejections.ts";
import type { NodeResources } from "./source.ts";
import { NO_NAMES, NO_REMOVALS, type TypeState, withHolds } from "./type-state.ts";
import {
  difference,
  EMPTY_VIEW,
  isEmpty,
  removalsBetween,
  type View,
  viewOf,
  withKept,
  withoutRemovals,
} from "./view.ts";

/** How long the steps of a change wait for each other. Milliseconds. */
export interface Timing {
  /** The next response of a type waits for the answer to the last one, and listeners and routes for the answer to clusters, at most this long. */
  readonly ackTimeout: number;
  /** From the acknowledgement of what may have referred to a cluster until the cluster is removed. */
  readonly drain: number;
  /** A removal waits for acknowledgements no longer than this. */
  readonly removalTimeout: number;
}

export interface GoalOptions {
  /** The types of the stream; the caller adds to the list. */
  readonly states: readonly TypeState[];
  readonly resources: NodeResources;
  readonly rejections: Rejections;
  readonly judge: Judge;
  readonly timing: Timing;
  readonly withholdsSecrets: boolean;
  readonly now: number;
}

/** What one stream should have at a time: what the source has, less what was rejected, plus what must not go yet. */
export class StreamGoals {
  readonly #options: GoalOptions;
  #lastReferrerAck: number;
  #missing: { readonly key: string; readonly names: ReadonlySet<string> } = { key: "", names: NO_NAMES };

  constructor(options: GoalOptions) {
    this.#options = options;
    // A client that comes back names its clusters before it has named what uses them.
    this.#lastReferrerAck = options.now;
  }

  /** The client accepted something that refers to clusters. */
  referrerAccepted(now: number): void {
    this.#lastReferrerAck = now;
  }

  /** What the client should have now. Times at which the answer may change go to `waits`. */
  goal(state: TypeState, now: number, waits: number[]): View {
    const target = this.target(state);
    return state.type.heldOnRemoval ? this.#withHeldRemovals(state, target, now, waits) : target;
  }

  /** What the client should have, were there no order to keep. */
  target(state: TypeState): View {
    const target = withHolds(state, this.#base(state), this.#holds(state));
    if (!state.type.refersToClusters) return target;
    const missing = this.#missingClusters();
    if (missing.size === 0) {
      state.kept = undefined;
      return target;
    }
    const { kept, sent } = state;
    if (kept && kept.target === target && kept.sent === sent && kept.missing === missing) return kept.view;
    state.kept = { target, sent, missing, ...withoutUsersOf(missing, sent, target) };
    return state.kept.view;
  }

  #state(typeUrl: string): TypeState | undefined {
    return this.#options.states.find(({ type }) => type.typeUrl === typeUrl);
  }

  /** What the source has for a subscription. */
  #base({ type, subscription }: TypeState): View {
    const { resources, withholdsSecrets } = this.#options;
    return viewOf(type, type.secret && withholdsSecrets ? undefined : resources.get(type.typeUrl), subscription);
  }

  #holds({ type, bisection }: TypeState): readonly Hold[] {
    const held = this.#options.rejections.held(this.#options.judge, type.typeUrl);
    return bisection && !bisection.done ? [...held, ...bisection.holds] : held;
  }

  /** Clusters that exist, but that this client rejected and has in no version. */
  #missingClusters(): ReadonlySet<string> {
    const clusters = this.#state(CLUSTER_TYPE);
    const holds = clusters ? this.#holds(clusters) : [];
    if (!clusters || holds.length === 0) return NO_NAMES;
    const base = this.#base(clusters);
    const { acked } = clusters;
    const names = holds.flatMap(({ name, version, fallback }) =>
      base.entries.get(name)?.version === version && !fallback && !acked?.entries.has(name) ? [name] : [],
    );
    const key = names.join("\n");
    if (this.#missing.key !== key) this.#missing = { key, names: new Set(names) };
    return this.#missing.names;
  }

  /** `target` with what must not be removed yet, as something that the client uses may refer to it. */
  #withHeldRemovals(state: TypeState, target: View, now: number, waits: number[]): View {
    const removals = removalsBetween(state.sent, target);
    if (removals.length === 0) {
      state.removals = NO_REMOVALS;
      return target;
    }
    const referrers = this.#referrers(state.type);
    let settled = referrers.settledAt;
    // Endpoints are emptied after their cluster is gone, and mostly not at all, as the client no longer asks for them then.
    if (state.type.typeUrl === ENDPOINT_TYPE)
      settled = Math.max(settled, this.#state(CLUSTER_TYPE)?.outstanding.at(-1)?.deadline ?? now);
    const used = this.#usedByKept(state.type);
    const since = new Map(removals.map(({ name }) => [name, state.removals.get(name) ?? now]));
    state.removals = since;
    const kept = removals.filter(({ name }) => {
      const timeout = (since.get(name) ?? now) + this.#options.timing.removalTimeout;
      const at = referrers.told && !used.has(name) ? Math.min(settled, timeout) : Number.POSITIVE_INFINITY;
      if (now < at) waits.push(at);
      return now < at;
    });
    if (kept.length === removals.length) return withoutRemovals(state.sent, target);
    return kept.length === 0 ? target : withKept(target, kept);
  }

  /** Clusters, or their endpoints, that are used by what is kept back for want of another cluster. */
  #usedByKept(type: ResourceType): ReadonlySet<string> {
    const names = new Set(this.#options.states.flatMap(({ kept }) => [...(kept?.clusters ?? [])]));
    if (type.typeUrl === CLUSTER_TYPE || names.size === 0) return names;
    const { entries } = this.#state(CLUSTER_TYPE)?.sent ?? EMPTY_VIEW;
    return new Set([...names].map((name) => endpointName(entries.get(name)) ?? name));
  }

  /** Whether all that uses what is no longer wanted was told otherwise, and from when on it is known to have listened. */
  #referrers(to: ResourceType): { readonly told: boolean; readonly settledAt: number } {
    let told = true;
    let settledAt = this.#lastReferrerAck + this.#options.timing.drain;
    for (const state of this.#options.states) {
      if (!state.type.refersToClusters || state.type === to) continue;
      const target = this.target(state);
      if (!isEmpty(difference(state.sent, target))) told = false;
      if (!told || target !== this.#base(state) || state.outstanding.length > 0) settledAt = Number.POSITIVE_INFINITY;
    }
    return { told, settledAt };
  }
}
