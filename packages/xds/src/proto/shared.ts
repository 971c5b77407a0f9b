import { objectNotes } from "@fairlead/model";

/** What is kept of a part: nothing before it is met again, then its bytes. */
export interface Kept {
  bytes: Uint8Array | undefined;
  /** By what it was written: a list means other bytes under another field. */
  writer: unknown;
}

const parts = objectNotes<Kept>();

/**
 * Says that an object or a list is part of many messages and is never written to: {@link encodeImmutable} keeps its bytes, as long as
 * it lives, when it writes it for the second time, and copies them from then on. For filters that every chain has, settings of a whole
 * node, virtual hosts, one of a thousand of which changes. A copy of it is not shared. Gives it back.
 */
export function shared<P extends object>(part: P): P {
  // Marked, not found out: to remember each object that is met costs as much as to write a small one.
  if (!parts.get(part)) parts.set(part, { bytes: undefined, writer: undefined });
  return part;
}

/** Undefined for what is not {@link shared}. */
export function keptOf(part: unknown): Kept | undefined {
  return typeof part === "object" && part !== null ? parts.get(part) : undefined;
}
