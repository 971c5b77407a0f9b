import type { EncodedResource } from "../encoded-resource.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Bisection } from "./bisection.ts";
import type { Hold } from "./rejections.ts";
import type { Subscription } from "./subscription.ts";
import { EMPTY_VIEW, placeholder, type View } from "./view.ts";

/** A response that the client has not answered yet. */
export interface Outstanding {
  readonly nonce: string;
  /** What the client had before. */
  readonly previous: View;
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
  outstanding: Outstanding | undefined;
  /** Nonce of the latest response, or what the client brought from an earlier stream. */
  nonce: string;
  /** Names to answer though their version is the same. */
  resend: ReadonlySet<string>;
  /** A first answer is due even if there is nothing in it. */
  owed: boolean;
  bisection: Bisection | undefined;
  lastNack: { readonly message: string; readonly resources: readonly string[] } | undefined;
  held: { readonly base: View; readonly holds: readonly Hold[]; readonly sent: View; readonly view: View } | undefined;
}

export const NO_NAMES: ReadonlySet<string> = new Set();

export function createTypeState(type: ResourceType, subscription: Subscription): TypeState {
  return {
    type,
    subscription,
    sent: EMPTY_VIEW,
    acked: undefined,
    outstanding: undefined,
    nonce: "",
    resend: NO_NAMES,
    owed: false,
    bisection: undefined,
    lastNack: undefined,
    held: undefined,
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

/** `view` as it was in `previous` for some names. */
export function reverted(view: View, previous: View, resources: readonly EncodedResource[]): View {
  const entries = new Map(view.entries);
  for (const { name } of resources) {
    const old = previous.entries.get(name);
    if (old) entries.set(name, old);
    else entries.delete(name);
  }
  return { entries, absent: view.absent };
}
