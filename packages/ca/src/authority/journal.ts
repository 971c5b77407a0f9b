import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { areTexts, journalRecord, type SlotJournal } from "../keys/journal-record.ts";
import type { Revocation } from "../trust/crl-writer.ts";

/**
 * Where a root is in its life. prepared: in the bundle, not signing. active: signing. old: no longer signing, still in
 * the bundle for the leaves it signed.
 */
export type SlotStatus = "prepared" | "active" | "old";

export interface Slot {
  /** Subject key identifier, hex. */
  readonly id: string;
  readonly keyId: string;
  readonly status: SlotStatus;
  /** PEM. */
  readonly certificate: string;
  /** Milliseconds since the epoch. */
  readonly preparedAt: number;
  readonly activatedAt?: number;
  /** When it stopped signing. */
  readonly oldSince?: number;
  /** End of the longest-lived subordinate authority that it has signed, milliseconds since the epoch. */
  readonly subordinatesUntil?: number;
  /** Certificates that were revoked while it was there. */
  readonly revoked?: readonly Revocation[];
  /** Not to be trusted longer than needed: workloads renew what it signed at once. */
  readonly tainted?: true;
}

/** What an authority must remember. Written before anything acts on it; its sequence is the trust bundle's. */
export type Journal = SlotJournal<Slot>;

const STATUSES: readonly unknown[] = ["prepared", "active", "old"] satisfies SlotStatus[];

export const rootJournal = journalRecord<Journal>("authority", "the authority's journal", (_, slots) => {
  const isSlot = (slot: Readonly<Record<string, unknown>>) =>
    areTexts(slot, "id", "keyId", "certificate") &&
    typeof slot.preparedAt === "number" &&
    STATUSES.includes(slot.status);
  if (!slots.every(isSlot)) return "has a broken slot";
  return slots.filter(({ status }) => status === "active").length === 1 ? undefined : "has not exactly one active slot";
});

export function slotCertificate(slot: Slot): Certificate {
  const [certificate, ...more] = readCertificates(slot.certificate, "STORE_INVALID");
  if (certificate === undefined || more.length > 0)
    throw new CaError("STORE_INVALID", `slot ${slot.id} holds not one certificate`);
  return certificate;
}
