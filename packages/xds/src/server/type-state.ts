import type { EncodedResource } from "../encoded-resource.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Bisection } from "./bisection.ts";
import type { KeptBack } from "./cluster-references.ts";
import type { Hold } from "./rejections.ts";
import type { Subscription } from "./subscription.ts";
import { EMPTY_VIEW, placeholder, unknownVersion, type View } from "./view.ts";

/** A response that the client has not answered yet. */
export interface Outstanding {
  readonly nonce: string;
  readonly goal: View;
  readonly upserts: readonly EncodedResource[];
  readonly sentAt: number;
  /** After this, later changes no longer wait for the answer. */
  readonly deadline: number;
}

/** What one stream knows of one type: the subscription, and the one map name to version that both protocols write. */
export interface TypeState {
  readonly type: ResourceType;
  subscription: Subscription;
  /** What the client has, once it has taken in everything that was sent. */
  sent: View;
  /** What it is known to have accepted. */
  acked: View | undefined;
  /** Oldest first; more than one only when answers are overdue. */
  outstanding: readonly Outstanding[];
  /** Nonce of the latest response, or what the client brought from an earlier stream. */
  nonce: string;
  /** Names to answer though their version is the same. */
  resend: ReadonlySet<string>;
  /** A first answer is due even if there is nothing in it. */
  owed: boolean;
  /** Removals that wait for what refers to them, by name, and since when. */
  removals: ReadonlyMap<string, number>;
  bisection: Bisection | undefined;
  lastNack: { readonly message: string; readonly resources: readonly string[] } | undefined;
  /** What stays as it was because a cluster it is to refer to is missing. */
  kept: (KeptBack & { readonly target: View; readonly sent: View; readonly missing: ReadonlySet<string> }) | undefined;
  held: { readonly base: View; readonly holds: readonly Hold[]; readonly sent: View; readonly view: View } | undefined;
}

export const NO_NAMES: ReadonlySet<string> = new Set();
export const NO_REMOVALS: ReadonlyMap<string, number> = new Map();

export function createTypeState(type: ResourceType, subscription: Subscription): TypeState {
  return {
    type,
    subscription,
    sent: EMPTY_VIEW,
    acked: undefined,
    outstanding: [],
    nonce: "",
    resend: NO_NAMES,
    owed: false,
    removals: NO_REMOVALS,
    bisection: undefined,
    lastNack: undefined,
    held: undefined,
    kept: undefined,
  };
}

/**
 * `base` without versions that the client must not be sent: it keeps what it has, else gets what others accepted before, else the
 * answer for an unknown name, else nothing.
 */
export function withHolds(state: TypeState, base: View, holds: readonly Hold[]): View {
  if (holds.length === 0) return base;
  const { held, sent } = state;
  if (held && held.base === base && held.holds === holds && held.sent === sent) return held.view;
  let entries: Map<string, EncodedResource> | undefined;
  for (const { name, version, fallback } of holds) {
    if (base.entries.get(name)?.version !== version) continue;
    entries ??= new Map(base.entries);
    const had = sent.entries.get(name);
    if (had && had.version !== version) entries.set(name, had);
    else if (fallback) entries.set(name, fallback);
    else if (state.type.unknown === "empty" && state.subscription.names.has(name))
      entries.set(name, placeholder(state.type, name));
    else entries.delete(name);
  }
  const view = entries ? { entries, absent: base.absent } : base;
  state.held = { base, holds, sent, view };
  return view;
}

/**
 * What the client may have after it rejected a response: of the culprits what it accepted before, of the doubtful ones that or a
 * version that is not known, and what was to be removed.
 */
export function undone(
  { type, sent }: TypeState,
  response: {
    readonly goal: View;
    readonly accepted: View;
    readonly culprits: readonly EncodedResource[];
    readonly doubtful: readonly EncodedResource[];
    /** Responses hold everything, so that what the client may have beyond that does not matter. */
    readonly full: boolean;
  },
): View {
  const { goal, accepted, culprits, doubtful, full } = response;
  const entries = new Map(sent.entries);
  for (const { name, version } of [...culprits, ...doubtful]) {
    if (entries.get(name)?.version !== version) continue;
    const old = accepted.entries.get(name);
    if (old && old.version !== version) entries.set(name, old);
    else entries.delete(name);
  }
  for (const [name, old] of accepted.entries)
    if (!goal.entries.has(name) && !entries.has(name))
      entries.set(name, full ? old : unknownVersion(old.typeUrl, name));
  if (!full) {
    // Neither the old version nor the new one counts as had: whichever is wanted is sent, and a removal too.
    for (const { name, typeUrl } of doubtful) entries.set(name, unknownVersion(typeUrl, name));
    // A name that was never answered gets the empty answer, where there is one.
    for (const { name, typeUrl } of culprits)
      if (type.unknown === "removed" || accepted.entries.has(name)) entries.set(name, unknownVersion(typeUrl, name));
  }
  return { entries, absent: sent.absent };
}

/** `view` with the versions of some resources unknown. */
export function disclaimed(view: View, resources: readonly EncodedResource[]): View {
  const entries = new Map(view.entries);
  for (const { typeUrl, name, version } of resources)
    if (entries.get(name)?.version === version) entries.set(name, unknownVersion(typeUrl, name));
  return { entries, absent: view.absent };
}
