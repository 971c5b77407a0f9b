import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { Records } from "../keys/signer.ts";
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

/** What an authority must remember. Written before anything acts on it. */
export interface Journal {
  readonly format: 1;
  readonly trustDomain: string;
  /** The trust bundle's; goes up when the set of roots changes. */
  readonly sequence: number;
  readonly slots: readonly Slot[];
}

const NAME = "authority";

export async function readJournal(
  records: Records,
): Promise<{ readonly version: number; readonly journal: Journal } | undefined> {
  const found = await records.read(NAME);
  if (found === undefined) return undefined;
  return { version: found.version, journal: parseJournal(found.text) };
}

/** False: another process wrote a version first. */
export function writeJournal(records: Records, previous: number, journal: Journal): Promise<boolean> {
  return records.write(NAME, previous, `${JSON.stringify(journal, undefined, 2)}\n`);
}

export function slotCertificate(slot: Slot): Certificate {
  const [certificate, ...more] = readCertificates(slot.certificate, "STORE_INVALID");
  if (certificate === undefined || more.length > 0)
    throw new CaError("STORE_INVALID", `slot ${slot.id} holds not one certificate`);
  return certificate;
}

function parseJournal(text: string): Journal {
  const invalid = (why: string) => new CaError("STORE_INVALID", `the authority's journal ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("is not JSON");
  }
  if (typeof value !== "object" || value === null) throw invalid("is not an object");
  const { format, trustDomain, sequence, slots } = value as Record<string, unknown>;
  if (format !== 1) throw invalid(`has format ${JSON.stringify(format)}; this version reads 1`);
  if (typeof trustDomain !== "string" || typeof sequence !== "number" || !Array.isArray(slots))
    throw invalid("lacks fields");
  for (const slot of slots as unknown[]) {
    const { id, keyId, status, certificate, preparedAt } = (slot ?? {}) as Record<string, unknown>;
    if (
      typeof id !== "string" ||
      typeof keyId !== "string" ||
      typeof certificate !== "string" ||
      typeof preparedAt !== "number" ||
      (status !== "prepared" && status !== "active" && status !== "old")
    )
      throw invalid("has a broken slot");
  }
  if (slots.filter(({ status }) => status === "active").length !== 1) throw invalid("has not exactly one active slot");
  return value as Journal;
}
