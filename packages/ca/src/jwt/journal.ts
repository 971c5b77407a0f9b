import type { JsonWebKey } from "node:crypto";
import type { SlotStatus } from "../authority/journal.ts";
import { areTexts, journalRecord, type SlotJournal } from "../keys/journal-record.ts";

/** A key that signs JWT-SVIDs, in its life; see {@link SlotStatus}. Times are milliseconds since the epoch. */
export interface JwtSlot {
  /** The `kid`: the key's thumbprint (RFC 7638). */
  readonly id: string;
  /** The key manager's name for it. */
  readonly keyId: string;
  readonly status: SlotStatus;
  readonly publicKey: JsonWebKey;
  readonly preparedAt: number;
  readonly activatedAt?: number;
  readonly oldSince?: number;
}

export type JwtJournal = SlotJournal<JwtSlot>;

export const jwtJournal = journalRecord<JwtJournal>("jwt-authority", "the journal of JWT keys", (_, slots) => {
  if (!slots.every((slot) => areTexts(slot, "id", "keyId") && typeof slot.publicKey === "object"))
    return "has a broken slot";
  return slots.filter(({ status }) => status === "active").length === 1 ? undefined : "has not exactly one active slot";
});
