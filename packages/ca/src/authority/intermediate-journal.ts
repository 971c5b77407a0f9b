import { areTexts, journalRecord, type SlotJournal } from "../keys/journal-record.ts";
import type { Revocation } from "../trust/crl-writer.ts";

/** A signing certificate that an upstream made, with what came along. */
export interface IntermediateSlot {
  readonly keyId: string;
  /** PEM, the signing certificate first, without the root. */
  readonly chain: readonly string[];
  /** PEM, one each. */
  readonly roots: readonly string[];
  /** When it stopped signing, milliseconds since the epoch; absent on the one that signs. */
  readonly oldSince?: number;
  /** Certificates that were revoked while it was there. */
  readonly revoked?: readonly Revocation[];
}

/** What an authority below an upstream must remember: the slot that signs first, then old ones; its sequence is the trust bundle's. */
export interface IntermediateJournal extends SlotJournal<IntermediateSlot> {
  /** Goes up with every signing certificate; names the keys. */
  readonly generation: number;
}

const texts = (list: unknown) => Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === "string");

export const intermediateJournal = journalRecord<IntermediateJournal>(
  "intermediate",
  "the journal of the intermediate authority",
  ({ generation }, slots) => {
    if (!Number.isSafeInteger(generation)) return "lacks fields";
    if (!slots.every((slot) => areTexts(slot, "keyId") && texts(slot.chain) && texts(slot.roots)))
      return "has a broken slot";
    const signsFirst = slots.every(({ oldSince }, index) => (oldSince === undefined) === (index === 0));
    return slots.length > 0 && signsFirst ? undefined : "does not begin with the one slot that signs";
  },
);
