import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Slot } from "./journal.ts";
import type { SelfSignedAuthority } from "./self-signed.ts";

export type RotationStep = "prepare" | "distribute" | "activate" | "renew" | "drain" | "retire";

/** One step of a rotation, for people. */
export interface PlannedStep {
  readonly step: RotationStep;
  /** The root it is about; empty for one that is not made yet. */
  readonly root: string;
  readonly detail: string;
}

export interface RootRotationOptions {
  /**
   * Resolves once every proxy has acknowledged the roots of `bundle`; rejects to stop here. Called before the new root
   * signs anything, and again before the old one is taken away. May be called for the same bundle more than once.
   */
  readonly distributed: (bundle: TrustBundle, signal: AbortSignal) => Promise<void>;
  /**
   * Resolves once workloads have renewed what old roots signed, which ends the drain at once. Without it the drain lasts
   * until the last certificate the old root may have signed has ended.
   */
  readonly renewed?: (oldRoots: readonly Slot[], signal: AbortSignal) => Promise<void>;
  readonly onStep?: (done: { readonly step: RotationStep; readonly root: string }) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** What {@link rotateRoot} would do from here, without doing it: the rest of a rotation under way, else all of a new one. */
export function planRootRotation(authority: SelfSignedAuthority): PlannedStep[] {
  const prepared = authority.slots.find(({ status }) => status === "prepared");
  const [active] = authority.slots.filter(({ status }) => status === "active");
  const old = authority.slots.filter(({ status }) => status === "old");
  const steps: PlannedStep[] = [];
  const fresh = prepared?.id ?? "";
  if (prepared !== undefined || old.length === 0) {
    if (prepared === undefined)
      steps.push({ step: "prepare", root: "", detail: "make a new root and add it to the trust bundle" });
    steps.push({ step: "distribute", root: fresh, detail: "wait until every proxy has acknowledged the new root" });
    steps.push({ step: "activate", root: fresh, detail: "test the new root's key and sign with it from then on" });
    if (active) old.push(active);
  }
  for (const { id } of old) {
    steps.push({ step: "drain", root: id, detail: `until nothing that ${id.slice(0, 16)} signed is alive or in use` });
    steps.push({
      step: "retire",
      root: id,
      detail: `take ${id.slice(0, 16)} out of the trust bundle and destroy its key`,
    });
  }
  return steps;
}

/**
 * Changes an authority's root to a new key without a moment at which two workloads do not trust each other: prepare →
 * distribute → activate → drain → retire. Every step is in the authority's journal, so calling this again after a crash,
 * in this process or another, continues where it stopped; a rotation that has passed `activate` is finished, not begun
 * anew. Throws what `distributed` throws, CA_NOT_READY when aborted, and the errors of the authority.
 */
export async function rotateRoot(authority: SelfSignedAuthority, options: RootRotationOptions): Promise<void> {
  const { distributed, renewed, onStep, clock = systemClock } = options;
  const signal = options.signal ?? new AbortController().signal;
  const mustGoOn = () => {
    if (signal.aborted) throw new CaError("CA_NOT_READY", "the rotation was stopped; it can be continued");
  };
  await authority.refresh();
  if (planRootRotation(authority).some(({ step }) => step === "distribute")) {
    mustGoOn();
    const next = await authority.prepare();
    onStep?.({ step: "prepare", root: next.id });
    mustGoOn();
    await distributed(authority.trustBundle, signal);
    onStep?.({ step: "distribute", root: next.id });
    mustGoOn();
    await authority.activate(next.id);
    onStep?.({ step: "activate", root: next.id });
  }
  for (const { id } of authority.slots.filter(({ status }) => status === "old")) {
    mustGoOn();
    await authority.taint(id);
    const old = authority.slots.filter((slot) => slot.id === id);
    if (renewed) {
      await renewed(old, signal);
      onStep?.({ step: "renew", root: id });
    } else await waitUntil(Math.max(...old.map((slot) => authority.drainedAt(slot.id))), clock, signal);
    onStep?.({ step: "drain", root: id });
    // A clock that was set back makes certificates live longer again; somebody else may have retired the root meanwhile.
    const lives = () => authority.slots.some((slot) => slot.id === id) && clock.now() < authority.drainedAt(id);
    while (!renewed && lives() && !signal.aborted) await waitUntil(authority.drainedAt(id), clock, signal);
    mustGoOn();
    await authority.retire(id, { force: renewed !== undefined });
    onStep?.({ step: "retire", root: id });
  }
}

/** Longest single timer, so that clock jumps are noticed. */
const SLICE_MS = 60_000;

async function waitUntil(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const left = time - clock.now();
    if (left <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(Math.min(left, SLICE_MS), done);
      function done(): void {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
    });
  }
}
